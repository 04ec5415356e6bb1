import { expect, it } from 'vitest';
import { addRun, COMMAND, Folder, job, startRun } from './command-line.ts';

const TICK = Date.UTC(2026, 0, 10, 12);

/** A job whose last run left a checkpoint, one that has none, and one that no daemon has had. */
async function setup(): Promise<Folder> {
  const folder = new Folder();
  folder.configure({ jobs: { nightly: { task: COMMAND }, weekly: { task: COMMAND }, fresh: { task: COMMAND } } });
  await using store = await folder.store();
  await addRun(store, 'nightly', TICK, { outcome: 'unfinished', checkpoint: '{"page":3}' });
  await store.arm([job('weekly'), job('removed')], TICK);
  return folder;
}

it('checkpoint shows what the next run starts from', async () => {
  using folder = await setup();
  expect(await folder.tickwise('checkpoint', 'nightly')).toEqual({ code: 0, out: '{"page":3}\n', err: '' });
  expect(await folder.tickwise('checkpoint', 'weekly')).toEqual({
    code: 0,
    out: 'weekly: no checkpoint; its next run starts afresh\n',
    err: '',
  });
  expect(JSON.parse((await folder.tickwise('checkpoint', 'nightly', '--json')).out)).toEqual({
    job: 'nightly',
    checkpoint: { page: 3 },
  });
  expect(JSON.parse((await folder.tickwise('checkpoint', 'weekly', '--json')).out)).toEqual({ job: 'weekly' });
});

it('checkpoint --set and --clear change it, for a job that is only in the ledger as well', async () => {
  using folder = await setup();
  expect(await folder.tickwise('checkpoint', 'nightly', '--set', ' { "page": 9 } ')).toEqual({
    code: 0,
    out: '{"page":9}\n',
    err: '',
  });
  expect((await folder.tickwise('checkpoint', 'nightly')).out).toBe('{"page":9}\n');
  expect((await folder.tickwise('checkpoint', 'nightly', '--clear')).out).toBe(
    'nightly: no checkpoint; its next run starts afresh\n',
  );
  expect(await folder.shell(`echo '[1, 2]' | tickwise checkpoint removed --set - --json`)).toMatchObject({ code: 0, err: '' });
  await using store = await folder.store();
  expect([await store.checkpoint('nightly'), await store.checkpoint('removed')]).toEqual([undefined, '[1,2]']);
});

it('checkpoint refuses what is not JSON, what is longer than 1 MiB, and both options at once, in one line each', async () => {
  using folder = await setup();
  const broken = await folder.tickwise('checkpoint', 'nightly', '--set', '{page: 9}');
  expect(broken).toMatchObject({ code: 2, out: '' });
  expect(broken.err).toMatch(/^tickwise: job nightly: the checkpoint is not JSON: [^\n]+\n$/);
  const long = await folder.shell(`printf '"%01048575d"' 0 | tickwise checkpoint nightly --set -`);
  expect(long).toMatchObject({ code: 2, out: '' });
  expect(long.err).toBe(
    'tickwise: job nightly: the checkpoint has 1048577 characters of JSON; at most 1048576 (1 MiB) are kept\n',
  );
  const fits = await folder.shell(`printf '"%01048574d"' 0 | tickwise checkpoint nightly --set - > /dev/null`);
  expect(fits).toEqual({ code: 0, out: '', err: '' });
  expect(await folder.tickwise('checkpoint', 'nightly', '--clear', '--set', '1')).toEqual({
    code: 2,
    out: '',
    err: 'tickwise: --clear and --set exclude each other; give one of them\n',
  });
});

it('checkpoint says which job was meant, and that a job has no slot yet', async () => {
  using folder = await setup();
  expect(await folder.tickwise('checkpoint', 'nigthly')).toEqual({
    code: 1,
    out: '',
    err: 'tickwise: no job is named "nigthly"; did you mean "nightly"?\n',
  });
  expect(await folder.tickwise('checkpoint', 'fresh', '--set', '1')).toEqual({
    code: 4,
    out: '',
    err: 'tickwise: job fresh: no daemon has had this job yet; start the daemon once, stop it, then set the checkpoint\n',
  });
});

it('checkpoint reads beside a daemon, and writes only when no daemon holds the store', async () => {
  using folder = await setup();
  {
    await using store = await folder.store();
    expect(await store.slots()).toHaveLength(3);
    expect((await folder.tickwise('checkpoint', 'nightly')).out).toBe('{"page":3}\n');
    const refused = await folder.tickwise('checkpoint', 'nightly', '--clear');
    expect(refused).toMatchObject({ code: 4, out: '' });
    expect(refused.err).toMatch(
      /^tickwise: \S+ledger\.db: a daemon \(pid \d+\) has this store open; stop the daemon first, then change the checkpoint\n$/,
    );
  }
  expect(await folder.tickwise('checkpoint', 'nightly', '--clear')).toMatchObject({ code: 0, err: '' });
});

it('checkpoint is not changed while a run of a dead daemon holds the slot', async () => {
  using folder = await setup();
  let runId: string;
  {
    await using store = await folder.store();
    ({ runId } = await startRun(store, 'weekly', TICK + 1_000));
  }
  expect(await folder.tickwise('checkpoint', 'weekly', '--set', '1')).toEqual({
    code: 4,
    out: '',
    err: `tickwise: job weekly: run ${runId} of an earlier daemon is not proved to be over; start the daemon until it says "run lost", stop it, then change the checkpoint\n`,
  });
});

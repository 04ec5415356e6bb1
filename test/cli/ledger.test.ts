import { expect, it } from 'vitest';
import { addRun, COMMAND, Folder, startRun } from './command-line.ts';

const TICK = Date.UTC(2026, 0, 10, 12);
const MINUTE = 60_000;

interface Row {
  readonly id: string;
  readonly [field: string]: unknown;
}

/** Two jobs with five runs between them, one of which is live and whose daemon is gone. */
async function setup(): Promise<{ folder: Folder; ids: readonly string[] } & Disposable> {
  const folder = new Folder();
  folder.configure({
    jobs: {
      alpha: { schedule: '@hourly', task: COMMAND },
      beta: { task: COMMAND },
      gamma: { schedule: '@hourly', paused: true, task: COMMAND },
    },
  });
  await using store = await folder.store();
  const ids = [
    await addRun(store, 'alpha', TICK, { result: '{"files":[1,2]}', progress: { completed: 3, total: 4, message: 'nearly' } }),
    await addRun(store, 'alpha', TICK + MINUTE, {
      outcome: 'failed',
      error: { name: 'Error', message: 'no such \u001b[31mhost', stack: 'Error: no such host\n    at upstream' },
      checkpoint: '{"page":7}',
    }),
    await addRun(store, 'beta', TICK + MINUTE),
    await addRun(store, 'alpha', TICK + 2 * MINUTE, { outcome: 'unfinished', reason: 'budget' }),
    (await startRun(store, 'beta', TICK + 3 * MINUTE)).runId,
  ];
  return { folder, ids, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

it('list shows jobs with state, last outcome and next tick', async () => {
  using bundle = await setup();
  const { code, out } = await bundle.folder.tickwise('list');
  expect(code).toBe(0);
  expect(out).toMatch(/^alpha +idle +unfinished +\S+ ago +(in \S+|now) +\S/m);
  expect(out).toMatch(/^beta +running \(its daemon is gone\) +succeeded .* - +when triggered$/m);
  expect(out).toMatch(/^gamma +paused +- +- /m);
});

it('list gives programs the same', async () => {
  using bundle = await setup();
  const rows = JSON.parse((await bundle.folder.tickwise('list', '--json')).out) as Record<string, unknown>[];
  expect(rows).toMatchObject([
    {
      job: 'alpha',
      state: 'idle',
      paused: false,
      last: { run: bundle.ids[3], outcome: 'unfinished', endedAt: '2026-01-10T12:02:01.505Z' },
    },
    { job: 'beta', state: 'running', live: bundle.ids[4], orphaned: true, last: { run: bundle.ids[2] } },
    { job: 'gamma', state: 'paused', paused: true },
  ]);
});

it('list shows the jobs before there is a ledger', async () => {
  using folder = new Folder();
  folder.configure({ jobs: { alpha: { schedule: '@hourly', task: COMMAND } } });
  const { code, out, err } = await folder.tickwise('list');
  expect([code, err]).toEqual([0, '']);
  expect(out).toMatch(/^alpha +idle +- +- +in /m);
});

it('runs shows the newest first', async () => {
  using bundle = await setup();
  const rows = JSON.parse((await bundle.folder.tickwise('runs', 'alpha', '--json')).out) as Row[];
  expect(rows.map((row) => row.id)).toEqual([bundle.ids[3], bundle.ids[1], bundle.ids[0]]);
  expect(rows[2]).toMatchObject({ tick: '2026-01-10T12:00:00.000Z', result: { files: [1, 2] }, state: 'succeeded' });
});

it.each([
  ['-n 2', [4, 3]],
  ['--state failed', [1]],
  ['--state running', [4]],
  ['--from 2026-01-10T12:02', [4, 3]],
  ['--to 2026-01-10T12:01', [0]],
  ['beta --to 2026-01-10T12:03', [2]],
])('runs %s shows those', async (options, expected) => {
  using bundle = await setup();
  const rows = JSON.parse((await bundle.folder.tickwise('runs', '--json', ...options.split(' '))).out) as Row[];
  expect(rows.map((row) => bundle.ids.indexOf(row.id))).toEqual(expected);
});

it('runs prints a table without control characters of jobs', async () => {
  using bundle = await setup();
  const { out } = await bundle.folder.tickwise('runs', 'alpha');
  expect(out).toMatch(/^RUN +JOB +TICK +STATE +TOOK +STEPS +DETAIL$/m);
  expect(out).toMatch(/alpha +2026-01-10 12:01:00 \+00:00 +failed +1s500ms +3 +no such {2}\[31mhost$/m);
});

it('runs says that none matches, and exits 0', async () => {
  using bundle = await setup();
  expect(await bundle.folder.tickwise('runs', 'gamma')).toEqual({ code: 0, out: '', err: 'tickwise: no run matches\n' });
  expect(JSON.parse((await bundle.folder.tickwise('runs', 'gamma', '--json')).out)).toEqual([]);
});

it('runs shows a job that is no longer configured, and asks what was meant by one that never was', async () => {
  using bundle = await setup();
  bundle.folder.configure({ jobs: { gamma: { task: COMMAND } } });
  expect(JSON.parse((await bundle.folder.tickwise('runs', 'beta', '--json')).out)).toHaveLength(2);
  expect(await bundle.folder.tickwise('runs', 'bta')).toMatchObject({
    code: 1,
    err: 'tickwise: no job is named "bta"; did you mean "beta"?\n',
  });
});

it('show prints all of a run by a part of its id', async () => {
  using bundle = await setup();
  const { code, out } = await bundle.folder.tickwise('show', bundle.ids[1]?.slice(4) ?? '');
  expect(code).toBe(0);
  expect(out).toContain(`run         ${bundle.ids[1]}\n`);
  expect(out).toContain('tick        2026-01-10 12:01:00 +00:00 (2026-01-10T12:01:00.000Z), ran\n');
  expect(out).toContain('checkpoint  {\n              "page": 7\n            }\n');
  expect(out).toContain('error       Error: no such host\n                at upstream\n');
  expect((await bundle.folder.tickwise('show', bundle.ids[0] ?? '')).out).toContain('progress    3 of 4: nearly\n');
});

it('show gives programs all of a run', async () => {
  using bundle = await setup();
  const run = JSON.parse((await bundle.folder.tickwise('show', '--json', bundle.ids[1] ?? '')).out) as Row;
  expect(run).toMatchObject({
    id: bundle.ids[1],
    job: 'alpha',
    state: 'failed',
    checkpoint: { page: 7 },
    fence: 2,
    tickOutcome: 'ran',
    error: { name: 'Error' },
  });
});

it.each([
  ['zzz', 'tickwise: no run has "zzz" in its id'],
  ['0', 'tickwise: 5 runs have "0" in their id'],
])('show answers %s with one line and exit status 1', async (part, told) => {
  using bundle = await setup();
  const { code, out, err } = await bundle.folder.tickwise('show', part);
  expect([code, out]).toEqual([1, '']);
  expect(err.trimEnd().split('\n')).toHaveLength(1);
  expect(err).toContain(told);
});

it('reads beside a daemon that writes', async () => {
  using bundle = await setup();
  await using store = await bundle.folder.store();
  const id = await addRun(store, 'alpha', TICK + 9 * MINUTE);
  expect((await bundle.folder.tickwise('runs', '-n', '1', '--json')).out).toContain(id);
});

it('says where the ledger is that it does not find, and exits 1', async () => {
  using folder = new Folder();
  folder.configure({ jobs: {} });
  for (const command of [['runs'], ['show', 'abc']]) {
    const { code, err } = await folder.tickwise(...command);
    expect(code).toBe(1);
    expect(err).toMatch(/^tickwise: .*ledger\.db: there is no ledger yet; .*\n$/);
  }
});

it.each(['memory:', 'postgres://localhost/tickwise'])('says that a ledger in %s cannot be read from outside', async (store) => {
  using folder = new Folder();
  folder.configure({ store, jobs: { alpha: { task: COMMAND } } });
  const { code, err } = await folder.tickwise('runs');
  expect(code).toBe(2);
  expect(err).toMatch(/^tickwise: store: .*\n$/);
  expect(await folder.tickwise('list')).toMatchObject({ code: 0, out: expect.stringMatching(/^alpha +idle/m) });
});

it('keeps the secrets of the configuration to itself', async () => {
  using folder = new Folder();
  folder.configure({ jobs: { alpha: { task: { command: ['true'], env: { KEY: '${env:SECRET}' } } } } });
  {
    await using store = await folder.store();
    await addRun(store, 'alpha', TICK, { result: '"key hunter2-hunter2"' });
  }
  for (const options of ['', '--json']) {
    const { code, out } = await folder.shell(`tickwise runs ${options} && tickwise show 0 ${options}`, {
      SECRET: 'hunter2-hunter2',
    });
    expect(code).toBe(0);
    expect(out).not.toContain('hunter2');
  }
});

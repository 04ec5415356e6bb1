import { expect, it } from 'vitest';
import { HAS_PROC } from '../e2e/daemon-process.ts';
import { DaemonFolder } from './daemon-folder.ts';

it.runIf(HAS_PROC)('list, runs and show tell the same beside a daemon and after it', async () => {
  await using folder = await new DaemonFolder().start({ timezone: 'Europe/Berlin' });
  const runId = (await folder.json<{ id: string }>('trigger', 'quick', '--wait')).id;
  const look = async (): Promise<unknown[]> => [
    await folder.json('list'),
    await folder.json('runs'),
    await folder.json('show', runId),
    (await folder.tickwise('show', runId)).out,
    (await folder.tickwise('runs')).out,
    (await folder.tickwise('logs', runId)).out,
    (await folder.tickwise('logs', runId, '--json')).out,
  ];
  const beside = await look();
  await folder.stop();
  expect(await look()).toEqual(beside);
});

it.runIf(HAS_PROC)('list and show see a stop that is under way', async () => {
  const stubborn = { task: { shell: "trap '' TERM; : > began; while [ ! -e go ]; do sleep 0.02; done" }, grace: '30s' };
  await using folder = await new DaemonFolder().start({ jobs: { stubborn } });
  const runId = await folder.trigger('stubborn');
  await folder.file('began');
  await folder.tickwise('cancel', runId);
  expect((await folder.tickwise('list')).out).toMatch(/^stubborn +stopping /m);
  expect(await folder.json('show', runId)).toMatchObject({
    state: 'stopping',
    startedAt: expect.stringMatching(/Z$/),
    deadline: expect.stringMatching(/Z$/),
    waitingFor: expect.stringContaining('local'),
  });
  expect((await folder.tickwise('runs')).out).toMatch(/ stopping /);
});

it.runIf(HAS_PROC)('reads all of a daemon that is named by --url, without a configuration', async () => {
  await using folder = await new DaemonFolder().start({ store: 'memory:' });
  const { id: runId } = await folder.json<{ id: string }>('trigger', 'quick', '--wait');
  const far = ['--url', `unix:${folder.dir}/api.sock`, '--config', 'nowhere.json'];
  expect((await folder.tickwise('list', ...far)).out).toMatch(/^quick +idle +succeeded /m);
  expect((await folder.tickwise('list', '--names', ...far)).out.split('\n')).toContain('gated');
  expect((await folder.tickwise('runs', 'quick', ...far)).out).toContain(runId);
  expect((await folder.tickwise('show', runId.slice(-6), ...far)).out).toContain(`run         ${runId}\n`);
  expect((await folder.tickwise('logs', runId.slice(-6), ...far)).out).toContain('hello');
  expect((await folder.tickwise('runs')).out).toContain(runId);
  expect(await folder.json('runs', '--state', 'failed')).toEqual([]);
  const ambiguous = await folder.tickwise('show', '-', ...far);
  await folder.trigger('failing');
  expect(ambiguous.code).toBe(0);
  expect((await folder.tickwise('show', '-', ...far)).err).toMatch(/^tickwise: 2 runs have "-" in their id, e\.g\. /);
});

it.runIf(HAS_PROC)('logs shows what a run wrote, and follows one until its end', async () => {
  await using folder = await new DaemonFolder().start();
  const { id } = await folder.json<{ id: string }>('trigger', 'quick', '--wait');
  const quick = (await folder.tickwise('logs', id)).out;
  expect(quick).toMatch(/^\d\d:\d\d:\d\d\.\d{3} stdout hello$/m);
  expect(quick).toMatch(/^\d\d:\d\d:\d\d\.\d{3} stderr oops$/m);
  const lines = (await folder.tickwise('logs', id, '--json')).out.trimEnd().split('\n');
  expect(lines.map((line) => (JSON.parse(line) as { text: string }).text).toSorted()).toEqual(['hello', 'oops']);

  const runId = await folder.trigger('gated');
  await folder.file('began');
  const following = folder.tickwise('logs', runId, '-f');
  folder.go();
  const followed = await following;
  expect(followed.code).toBe(0);
  expect(followed.out).toMatch(/waiting\n.*going\n$/);
});

it.runIf(HAS_PROC)('looks at the ledger alone, and says so, where the daemon asks for a token', async () => {
  const auth = { tokens: [{ name: 'ci', hash: `sha256:${'0'.repeat(64)}`, scopes: ['read'] }] };
  await using folder = await new DaemonFolder().start({ auth });
  const { code, out, err } = await folder.tickwise('list');
  expect(code).toBe(0);
  expect(out).toMatch(/^ticking +idle /m);
  expect(err).toMatch(/^tickwise: read from the ledger alone: [^\n]+; give a token by --token-file or TICKWISE_TOKEN\n$/);
});

it.runIf(HAS_PROC)(
  'reads the ledger, and says so, beside a daemon that is frozen',
  async () => {
    await using folder = await new DaemonFolder().start();
    folder.daemon?.signal('SIGSTOP');
    const { code, out, err } = await folder.tickwise('list');
    expect(code).toBe(0);
    expect(out).toMatch(/^ticking +idle /m);
    expect(err).toMatch(
      /^tickwise: read from the ledger alone: no daemon answers at [^\n]+ \(SILENCE\); it may be frozen[^\n]+\n$/,
    );
  },
  60_000,
);

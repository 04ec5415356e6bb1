import { expect, it } from 'vitest';
import { HAS_PROC } from '../e2e/daemon-process.ts';
import { Folder } from './command-line.ts';
import { DaemonFolder, JOBS, oneLine } from './daemon-folder.ts';

const RUN_ID = /[0-9a-z]{9}-[0-9a-z]{14}/;

it.runIf(HAS_PROC)('trigger starts a run and says which, also to programs', async () => {
  await using folder = await new DaemonFolder().start();
  const told = await folder.tickwise('trigger', 'quick');
  expect(told).toMatchObject({ code: 0, err: '' });
  expect(told.out).toMatch(/^run [0-9a-z-]{24} of quick: running\n$/);
  const submitted = await folder.json<{ runId: string }>('trigger', 'failing');
  expect(submitted).toMatchObject({ job: 'failing', runId: expect.stringMatching(RUN_ID), state: 'running' });
});

it.runIf(HAS_PROC)('trigger is refused with the live run, and the same key stands for the same run', async () => {
  await using folder = await new DaemonFolder().start();
  const runId = await folder.trigger('gated', '--idempotency-key', 'deploy-1');
  const refused = await folder.tickwise('trigger', 'gated');
  expect(refused.code).toBe(4);
  expect(oneLine(refused)).toBe(true);
  expect(refused.err).toContain(`run ${runId}`);
  expect(await folder.trigger('gated', '--idempotency-key', 'deploy-1')).toBe(runId);
  const reused = await folder.tickwise('trigger', 'gated', '--idempotency-key', 'deploy-1', '--budget', '5s');
  expect([reused.code, oneLine(reused)]).toEqual([4, true]);
});

it.runIf(HAS_PROC)('trigger takes its input from a text, a file or standard input', async () => {
  await using folder = await new DaemonFolder().start();
  folder.go();
  folder.write('input.json', '{"pages": 5}');
  const page = async (line: string): Promise<unknown> => {
    const { out } = await folder.shell(`${line} --wait --json`);
    return (JSON.parse(out) as { result: { page: number } }).result.page;
  };
  expect(await page(`tickwise trigger steps --input '{"pages": 2}'`)).toBe(2);
  await folder.daemon?.line(({ message }) => message === 'run succeeded');
  expect(await page('tickwise trigger steps --input @input.json')).toBe(5);
  expect(await page(`echo '{"pages": 6}' | tickwise trigger steps --input -`)).toBe(6);
});

it.runIf(HAS_PROC)('cancel stops the run of a job, and a run by a part of its id', async () => {
  await using folder = await new DaemonFolder().start();
  for (const what of [(runId: string) => runId.slice(-8), () => 'gated']) {
    const runId = await folder.trigger('gated');
    const told = await folder.tickwise('cancel', what(runId));
    expect(told).toEqual({ code: 0, out: expect.stringContaining(runId), err: '' });
    await folder.daemon?.line((line) => line.message === 'run cancelled' && line['runId'] === runId);
    expect(await folder.json('show', runId)).toMatchObject({ state: 'cancelled', by: 'local' });
    const late = await folder.tickwise('cancel', runId);
    expect([late.code, oneLine(late)]).toEqual([4, true]);
    expect(late.err).toContain('has ended already: cancelled');
  }
  expect((await folder.tickwise('cancel', 'gated')).out).toBe('gated: nothing to cancel; no run of this job is live or queued\n');
  const unknown = await folder.tickwise('cancel', 'gatde');
  expect([unknown.code, oneLine(unknown)]).toEqual([1, true]);
});

it.runIf(HAS_PROC)('pause and resume are seen by list, and by programs', async () => {
  await using folder = await new DaemonFolder().start();
  expect(await folder.tickwise('pause', 'ticking')).toEqual({ code: 0, out: 'ticking: paused\n', err: '' });
  expect((await folder.tickwise('list')).out).toMatch(/^ticking +paused /m);
  expect(await folder.json('resume', 'ticking')).toEqual({ job: 'ticking', paused: false });
  expect((await folder.tickwise('list')).out).toMatch(/^ticking +idle /m);
});

it.runIf(HAS_PROC)('why says in words what a job does', async () => {
  await using folder = await new DaemonFolder().start();
  await folder.tickwise('pause', 'ticking');
  expect((await folder.tickwise('why', 'ticking')).out).toMatch(/paused/);
  const runId = await folder.trigger('gated');
  expect((await folder.tickwise('why', 'gated')).out).toContain(runId);
  const told = await folder.json<{ why: string[] }>('why', 'gated');
  expect(told).toMatchObject({ job: 'gated', state: 'running' });
  expect(told.why.length).toBeGreaterThan(0);
});

it.runIf(HAS_PROC)('answers an unknown job, what is not JSON and what cannot be read with one line', async () => {
  await using folder = await new DaemonFolder().start();
  folder.write('large.json', JSON.stringify('x'.repeat(2_000_000)));
  const lines: [string, number, string][] = [
    ['trigger nope', 1, 'nope'],
    ['trigger NOPE', 1, 'NOPE'],
    ['why nope', 1, 'nope'],
    ['pause nope', 1, 'nope'],
    ['trigger quick --input {', 2, '--input is not JSON'],
    ['trigger quick --input @nope.json', 2, 'nope.json: the input cannot be read (ENOENT)'],
    ['trigger quick --budget 5', 2, 'Expected a duration'],
    ['trigger quick --budget 9000d', 2, 'body budget: '],
    ['trigger quick --input @large.json', 2, 'larger than 1048576 bytes'],
    ['show zzzz', 1, 'no run has "zzzz" in its id'],
    ['logs zzzz', 1, 'no run has "zzzz" in its id'],
  ];
  for (const [line, code, told] of lines) {
    const ended = await folder.tickwise(...line.split(' '));
    expect([line, ended.code, oneLine(ended)]).toEqual([line, code, true]);
    expect(ended.err).toContain(told);
  }
});

it.runIf(HAS_PROC)('trigger is refused by a daemon that drains', async () => {
  await using folder = await new DaemonFolder().start();
  await folder.trigger('gated');
  await folder.file('began');
  folder.daemon?.signal('SIGTERM');
  await folder.daemon?.line(({ message }) => message.includes('draining'));
  const refused = await folder.tickwise('trigger', 'quick');
  expect([refused.code, oneLine(refused)]).toEqual([4, true]);
});

it.runIf(HAS_PROC)('nothing is asked of the daemon of another project that is found at the address', async () => {
  await using theirs = await new DaemonFolder().start();
  const { quick, gated, ticking } = JOBS;
  using ours = new Folder().configure({ listen: theirs.address, jobs: { quick, gated, ticking } });
  for (const [command, ...args] of [
    ['trigger', 'quick'],
    ['pause', 'ticking'],
    ['why', 'ticking'],
    ['cancel', 'gated'],
  ] as const) {
    const told = await ours.tickwise(command, ...args);
    expect([told.code, oneLine(told)]).toEqual([3, true]);
    expect(told.err).toContain('another ledger');
  }
  expect(await theirs.json('runs')).toEqual([]);
  const jobs = await theirs.json<{ job: string; state: string }[]>('list');
  expect(jobs.find(({ job }) => job === 'ticking')?.state).toBe('idle');
});

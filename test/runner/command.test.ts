import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createProcessTrees } from '../../src/runner/process-tree.ts';
import { aliveWith, CommandBench, fixture, kindsHere, uniqueSeconds } from './command-setup.ts';

const CLEANUP_MS = 2_000;

describe.each(kindsHere())('a command proved by %s', (kind) => {
  const setup = (): CommandBench => new CommandBench(createProcessTrees({ useCgroup: kind === 'cgroup' }));

  test('succeeds on exit 0, with its output in the log', async () => {
    await using bench = setup();
    expect(bench.trees.kind).toBe(kind);
    const trial = bench.command(['/bin/sh', '-c', 'echo out; echo err >&2; printf unfinished']);
    expect(await trial.end()).toMatchObject({ outcome: 'succeeded', steps: 1, error: undefined });
    expect(trial.recorder.texts('stdout')).toEqual(['out', 'unfinished']);
    expect(trial.recorder.texts('stderr')).toEqual(['err']);
  });

  test('fails on another exit code, and says which and the last of stderr', async () => {
    await using bench = setup();
    const trial = bench.command(['/bin/sh', '-c', 'echo first >&2; echo "disk full" >&2; exit 2']);
    const { outcome, error } = await trial.end();
    expect(outcome).toBe('failed');
    expect(error).toMatchObject({
      code: 'STEP_FAILED',
      message: 'job trial: step 1 ended with exit code 2; last of stderr: first | disk full',
    });
  });

  test('fails when a signal that nobody here sent ends it', async () => {
    await using bench = setup();
    const { outcome, error } = await bench.command(['/bin/sh', '-c', 'kill -SEGV $$']).end();
    expect(outcome).toBe('failed');
    expect(error?.message).toBe('job trial: step 1 was ended by SIGSEGV');
  });

  test('calls again on exit 75, with the checkpoint that the step before left', async () => {
    await using bench = setup();
    const trial = bench.command([fixture('counts-steps.sh')]);
    expect(await trial.end()).toMatchObject({ outcome: 'succeeded', steps: 4, checkpoint: undefined, result: '{"steps":4}' });
    expect(trial.recorder.checkpoints).toEqual(['{"count":1}', '{"count":2}', '{"count":3}']);
    expect(trial.recorder.texts('stdout')).toEqual(['step 1 found 0', 'step 2 found 1', 'step 3 found 2', 'step 4 found 3']);
  });

  test('goes on from the checkpoint of an earlier run', async () => {
    await using bench = setup();
    const trial = bench.command([fixture('counts-steps.sh')], { checkpoint: '{"count":3}' });
    expect(await trial.end()).toMatchObject({ outcome: 'succeeded', steps: 1 });
    expect(trial.recorder.texts('stdout')).toEqual(['step 1 found 3']);
  });

  test('passes arguments on as they are', async () => {
    await using bench = setup();
    const odd = ['$HOME', '`id`', "it's", '"', '', ' a  b ', '-n', '\\', '*', 'ü\n2'];
    const trial = bench.command(['/bin/sh', '-c', 'for a; do printf "<%s>" "$a"; done', 'sh', ...odd]);
    await trial.end();
    expect(trial.recorder.texts('stdout').join('\n')).toBe(odd.map((text) => `<${text}>`).join(''));
  });

  test('gives the environment that the contract names, and nothing else of the daemon', async () => {
    await using bench = setup();
    const trial = bench.start(
      { kind: 'command', command: ['env'], env: { OWN: 'yes', TICKWISE_FENCE: '99' } },
      {
        baseEnv: { PATH: process.env['PATH'], HOME: '/h', LANG: 'C', SECRET: 's' },
        input: { a: 1 },
        attempt: 2,
        deadline: 1_750_000_060_000.4,
      },
    );
    await trial.end();
    const environment = Object.fromEntries(trial.recorder.texts('stdout').map((line) => line.split(/=(.*)/s)));
    expect(environment).toEqual({
      PATH: process.env['PATH'],
      HOME: '/h',
      LANG: 'C',
      OWN: 'yes',
      TICKWISE_JOB: 'trial',
      TICKWISE_RUN_ID: trial.runId,
      TICKWISE_TICK: '1750000000000',
      TICKWISE_ATTEMPT: '2',
      TICKWISE_STEP: '1',
      TICKWISE_DEADLINE: '1750000060000',
      TICKWISE_FENCE: '7',
      TICKWISE_INPUT: '{"a":1}',
      TICKWISE_CHECKPOINT_FILE: expect.stringContaining('checkpoint') as string,
      TICKWISE_RESULT_FILE: expect.stringContaining('result') as string,
    });
  });

  test('runs in its cwd, with nothing to read from stdin', async () => {
    await using bench = setup();
    const folder = mkdtempSync(join(tmpdir(), 'tickwise-test-'));
    const trial = bench.start({
      kind: 'shell',
      shell: 'pwd -P; cat; echo "$(ls -ld "$(dirname "$TICKWISE_RESULT_FILE")" | cut -c1-10)"',
      cwd: folder,
    });
    expect((await trial.end()).outcome).toBe('succeeded');
    rmSync(folder, { recursive: true });
    expect(trial.recorder.texts('stdout')).toEqual([folder, 'drwx------']);
  });

  test('leaves no file behind', async () => {
    await using bench = setup();
    const trial = bench.command(['/bin/sh', '-c', 'dirname "$TICKWISE_RESULT_FILE"; echo 1 > "$TICKWISE_RESULT_FILE"']);
    await trial.end();
    expect(() => readdirSync(trial.recorder.texts('stdout')[0] ?? '/')).toThrow('ENOENT');
  });

  test.each([
    ['not found', ['/nonexistent/program'], 'its program /nonexistent/program does not exist'],
    ['not found in PATH', ['no-such-program'], 'its program no-such-program is not found in PATH'],
    ['a folder', ['/tmp'], 'its program /tmp is not a file'],
    ['not executable', [fixture('not-executable.sh')], 'is not executable'],
    ['without its interpreter', [fixture('no-interpreter.sh')], 'no-interpreter.sh: '],
  ] as const)('fails in one line that names the program when it is %s', async (_, command, words) => {
    await using bench = setup();
    const { outcome, error } = await bench.command([...command]).end();
    expect(outcome).toBe('failed');
    expect(error).toMatchObject({ code: 'STEP_FAILED' });
    expect(error?.message).toContain('cannot start');
    expect(error?.message).toContain(words);
    expect(error?.message).not.toContain('\n');
  });

  test('fails in one line when its cwd is missing', async () => {
    await using bench = setup();
    const { error } = await bench.start({ kind: 'shell', shell: 'true', cwd: '/nonexistent/folder' }).end();
    expect(error?.message).toBe('job trial: step 1 cannot start: its cwd /nonexistent/folder does not exist');
  });

  test.each([126, 127])('takes exit %d of the program itself for an exit code', async (code) => {
    await using bench = setup();
    const { error } = await bench.start({ kind: 'shell', shell: `exit ${code}` }).end();
    expect(error?.message).toBe(`job trial: step 1 ended with exit code ${code}`);
  });

  test.each([
    ['a result that is not JSON', ['-', '{"a":', '0'], 'the result in TICKWISE_RESULT_FILE is not JSON'],
    ['a checkpoint that is not JSON', ['{"half', '-', '75'], 'the checkpoint in TICKWISE_CHECKPOINT_FILE is not JSON'],
    ['a checkpoint over 1 MiB', ['huge', '-', '75'], 'holds 1100000 bytes; at most 1048576 are kept'],
    ['a result over 1 MiB', ['-', 'huge', '0'], 'holds 1100000 bytes; at most 1048576 are kept'],
  ] as const)('fails on %s, and keeps the checkpoint from before', async (_, args, words) => {
    await using bench = setup();
    const { outcome, error, checkpoint } = await bench
      .command([fixture('writes-files.sh'), ...args], { checkpoint: '{"n":1}' })
      .end();
    expect(outcome).toBe('failed');
    expect(error).toMatchObject({ code: 'CHECKPOINT_INVALID' });
    expect(error?.message).toContain(words);
    expect(checkpoint).toBe('{"n":1}');
  });

  test.each(['-', 'gone', ''])('keeps the checkpoint when the step leaves the file as "%s"', async (text) => {
    await using bench = setup();
    const trial = bench.command([fixture('writes-files.sh'), text, '-', '75'], { checkpoint: '{"n":1}', budgetMs: 150 });
    expect(await trial.end()).toMatchObject({ checkpoint: '{"n":1}' });
  });

  test('is timed out when the budget ends during a step that dies of SIGTERM', async () => {
    await using bench = setup();
    const seconds = uniqueSeconds();
    const trial = bench.command([fixture('sleeps.sh'), seconds], { budgetMs: 300, graceMs: 5_000 });
    const { outcome, stop, error, tookMs } = await trial.end();
    expect(aliveWith(trial.runId, seconds)).toEqual([]);
    expect({ outcome, stop, error }).toEqual({ outcome: 'timedOut', stop: { kind: 'budget' }, error: undefined });
    expect(tookMs).toBeLessThan(300 + CLEANUP_MS);
  });

  test.each([
    [0, 'budget', 'timedOut'],
    [0, 'cancel', 'cancelled'],
    [75, 'budget', 'unfinished'],
  ] as const)('judges a program that ends with %d when stopped by %s: %s', async (code, kind2, outcome) => {
    await using bench = setup();
    const seconds = uniqueSeconds();
    const trial = bench.command([fixture('ends-well-on-sigterm.sh'), seconds, String(code)], {
      graceMs: 5_000,
      checkpoint: '{"n":1}',
    });
    await trial.recorder.waitForLine('ready');
    trial.attempt.stop(kind2 === 'budget' ? { kind: 'budget' } : { kind: 'cancel', by: 'test' });
    trial.attempt.stop({ kind: 'shutdown' });
    const end = await trial.end();
    expect(end).toMatchObject({ outcome, checkpoint: '{"n":1}', error: undefined });
    expect(aliveWith(trial.runId, seconds)).toEqual([]);
  });

  test('starts no step after winding down', async () => {
    await using bench = setup();
    const trial = bench.start({ kind: 'shell', shell: 'echo ready; sleep 0.1; exit 75' });
    await trial.recorder.waitForLine('ready');
    trial.attempt.windDown();
    expect(await trial.end()).toMatchObject({ outcome: 'unfinished', steps: 1, stop: undefined });
  });

  test('kills what ignores SIGTERM when the grace is over', async () => {
    await using bench = setup();
    const seconds = uniqueSeconds();
    const trial = bench.command([fixture('ignores-sigterm.sh'), seconds], { budgetMs: 300, graceMs: 300 });
    const { outcome, stop, tookMs } = await trial.end();
    expect(aliveWith(trial.runId, seconds)).toEqual([]);
    expect({ outcome, stop }).toEqual({ outcome: 'killed', stop: { kind: 'budget' } });
    expect(tookMs).toBeGreaterThanOrEqual(600);
    expect(tookMs).toBeLessThan(600 + CLEANUP_MS);
    expect(trial.recorder.blocks).toEqual([]);
  });

  test('cuts the grace short when forced', async () => {
    await using bench = setup();
    const seconds = uniqueSeconds();
    const trial = bench.command([fixture('ignores-sigterm.sh'), seconds], { graceMs: 15_000 });
    await trial.recorder.waitForLine('ready');
    trial.attempt.stop({ kind: 'shutdown' });
    trial.attempt.force();
    const { outcome, tookMs } = await trial.end();
    expect(aliveWith(trial.runId, seconds)).toEqual([]);
    expect(outcome).toBe('killed');
    expect(tookMs).toBeLessThan(CLEANUP_MS);
  });

  test('ends a program that was stopped by SIGSTOP', async () => {
    await using bench = setup();
    const seconds = uniqueSeconds();
    const trial = bench.command([fixture('stops-itself.sh'), seconds], { graceMs: 5_000 });
    await trial.recorder.waitForLine('ready');
    trial.attempt.stop({ kind: 'cancel', by: 'test' });
    const { outcome, tookMs } = await trial.end();
    expect(aliveWith(trial.runId, seconds)).toEqual([]);
    expect(outcome).toBe('cancelled');
    expect(tookMs).toBeLessThan(CLEANUP_MS);
  });

  test('ends a daemonised process that ignores SIGTERM, along with the run that started it', async () => {
    await using bench = setup();
    const seconds = uniqueSeconds();
    const trial = bench.command([fixture('daemonises.sh'), seconds, 'stay'], { graceMs: 300 });
    await trial.recorder.waitForLine('ready');
    trial.attempt.stop({ kind: 'cancel', by: 'test' });
    const { outcome, tookMs } = await trial.end();
    expect(aliveWith(trial.runId, seconds)).toEqual([]);
    expect(outcome).toBe('killed');
    expect(tookMs).toBeLessThan(300 + CLEANUP_MS);
  });

  test('ends a process that cleared its environment and left the session, while its parent lives', async () => {
    await using bench = setup();
    const seconds = uniqueSeconds();
    const trial = bench.command([fixture('clears-environment.sh'), seconds], { graceMs: 300 });
    await trial.recorder.waitForLine('ready');
    trial.attempt.stop({ kind: 'cancel', by: 'test' });
    await trial.end();
    expect(aliveWith(trial.runId, seconds)).toEqual([]);
  });

  test.each(['env', 'setsid'])('ends a chain of processes that fork and leave (%s)', async (by) => {
    await using bench = setup();
    const seconds = uniqueSeconds();
    const trial = bench.command([fixture('forks-on.sh'), seconds, by], { graceMs: 50 });
    await trial.recorder.waitForLine('ready');
    const { outcome, tookMs } = await trial.end();
    // A link lives for a millisecond, so one look could miss it.
    for (let looks = 0; looks < 50; looks++) expect(aliveWith(seconds)).toEqual([]);
    expect(outcome).toBe('succeeded');
    expect(tookMs).toBeLessThan(50 + CLEANUP_MS);
  });

  test.each(['leaves-session.sh', 'keeps-stdout-open.sh'])(
    'clears away what a step left behind (%s), and its outcome stands',
    async (name) => {
      await using bench = setup();
      const seconds = uniqueSeconds();
      const trial = bench.command([fixture(name), seconds], { graceMs: 5_000 });
      const { outcome, tookMs } = await trial.end();
      expect(aliveWith(trial.runId, seconds)).toEqual([]);
      expect(outcome).toBe('succeeded');
      expect(tookMs).toBeLessThan(CLEANUP_MS);
      expect(trial.recorder.texts('task')).toEqual([
        expect.stringMatching(/^job trial: step 1 ended and left process \d+ behind/),
      ]);
    },
  );

  test('kills what a step left behind that ignores SIGTERM, and its outcome stands', async () => {
    await using bench = setup();
    const seconds = uniqueSeconds();
    const trial = bench.command([fixture('daemonises.sh'), seconds], { graceMs: 300 });
    const { outcome, tookMs } = await trial.end();
    expect(aliveWith(trial.runId, seconds)).toEqual([]);
    expect(outcome).toBe('succeeded');
    expect(tookMs).toBeLessThan(300 + CLEANUP_MS);
    expect(trial.recorder.texts('task').at(-1)).toContain('had to be killed');
  });

  test('stops a step that takes longer than the step timeout', async () => {
    await using bench = setup();
    const seconds = uniqueSeconds();
    const trial = bench.command([fixture('sleeps.sh'), seconds], { stepTimeoutMs: 200, graceMs: 5_000 });
    expect(await trial.end()).toMatchObject({ outcome: 'timedOut', stop: { kind: 'stepTimeout', limitMs: 200 } });
    expect(aliveWith(trial.runId, seconds)).toEqual([]);
  });

  test('bears a flood of output: bounded memory, a free event loop, and the cap is said', async () => {
    await using bench = setup();
    const rssBefore = process.memoryUsage.rss();
    let peakBytes = 0;
    let latestMs = 0;
    let last = performance.now();
    let cpuLast = process.threadCpuUsage();
    const timer = setInterval(() => {
      const now = performance.now();
      const cpu = process.threadCpuUsage(cpuLast);
      // On a busy machine a timer is late because the thread did not get the processor; what counts is what it did with it.
      const hadProcessor = (cpu.user + cpu.system) / 1_000 > 0.8 * (now - last);
      if (hadProcessor) latestMs = Math.max(latestMs, now - last - 100);
      last = now;
      cpuLast = process.threadCpuUsage();
      peakBytes = Math.max(peakBytes, process.memoryUsage.rss() - rssBefore);
    }, 100);
    const trial = bench.start({ kind: 'shell', shell: 'yes | head -c 1G' });
    const { outcome } = await trial.end();
    clearInterval(timer);
    expect(outcome).toBe('succeeded');
    expect(trial.recorder.texts('task')).toEqual([
      expect.stringMatching(/^107\d{7} bytes of output were left out here; 64 KiB of a run are kept/),
    ]);
    const kept = trial.recorder.texts('stdout');
    expect(kept.every((line) => line === 'y')).toBe(true);
    // The first line of the tail may be half a line, and is then left out.
    expect([32_767, 32_768]).toContain(kept.length);
    expect(peakBytes).toBeLessThan(150 * 1_048_576);
    expect(latestMs).toBeLessThan(50);
  });
});

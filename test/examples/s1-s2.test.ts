import { describe, expect, it } from 'vitest';
import { startReportServer, submitAndPoll } from '../../examples/s1a-submit-and-poll/main.ts';
import { detachedTimeouts } from '../../examples/s1b-detached-timeout/main.ts';
import { Stopwatch } from '../../examples/stopwatch.ts';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { withGate, withoutGuard } from '../../examples/s2a-slow-work-each-minute/main.ts';
import { Countdown, Panicking, stepLoops } from '../../examples/s2b-step-loop/main.ts';
import type { LeakCount } from '../../examples/s2c-leak-test/main.ts';
import { createVirtualClock, runTick } from '../../src/testing/kit.ts';

// In a process of its own, whose handles and threads are nobody else's; beside the other experiments, since it mostly waits.
const leakMain = fileURLToPath(new URL('../../examples/s2c-leak-test/main.ts', import.meta.url));
const leakTest = promisify(execFile)(process.execPath, [leakMain, '1000', '16', '6s', '--json']);

describe('S1a, submit and poll', () => {
  it('answers the POST before the work is done, and polling sees it running and then its result', async () => {
    const watch = new Stopwatch(200);
    await using server = await startReportServer(watch);

    const seen = await submitAndPoll(server.url, { seconds: 2 }, watch);

    expect(seen.status).toBe(202);
    expect(seen.submittedAt).toBeLessThan(seen.endSeenAt);
    expect(seen.endSeenAt).toBeGreaterThanOrEqual(2);
    expect(seen.states).toEqual(['running', 'succeeded']);
    expect(seen.last).toEqual({ state: 'succeeded', result: { pages: 12 } });
  });

  it('tells the error of work that fails, and refuses a second run while one is live', async () => {
    const watch = new Stopwatch(200);
    await using server = await startReportServer(watch);

    const seen = await submitAndPoll(server.url, { seconds: 2, fails: true }, watch);

    expect(seen.states).toEqual(['running', 'failed']);
    expect(seen.last.error).toBe('the numbers do not add up');
    expect(seen.secondStatus).toBe(409);
  });

  it('does not know a run that nobody has submitted', async () => {
    await using server = await startReportServer(new Stopwatch());
    expect((await fetch(`${server.url}/reports/none`)).status).toBe(404);
  });
});

describe('S1b, run with a timeout in a detached context', async () => {
  const { tooLong, inTime, hasty, shutdown } = await detachedTimeouts(100);

  it('tells the caller of the timeout at 5 s when the work takes 8', () => {
    expect(tooLong).toMatchObject({ value: null, error: 'timedOut' });
    expect(tooLong.at).toBeGreaterThanOrEqual(5);
    expect(tooLong.at).toBeLessThan(8);
  });

  it('gives the result at 3 s when the work takes 3', () => {
    expect(inTime).toMatchObject({ value: 42, error: null, message: 'done' });
    expect(inTime.at).toBeGreaterThanOrEqual(3);
  });

  it('goes on with the work when the caller has given up', () => {
    expect(hasty.because).toBe('DEADLINE_EXCEEDED');
    expect(hasty.gaveUpAt).toBeGreaterThanOrEqual(1);
    expect(hasty.work).toEqual({ value: 42, error: null, message: 'done' });
  });

  it('leaves nothing running on shutdown', () => {
    expect(shutdown).toMatchObject({ value: null, error: 'cancelled', message: 'shutdown', liveAfter: 0 });
  });
});

describe('S2a, work that takes eight times its interval', () => {
  it('piles up without a guard until the resources are gone', async () => {
    const { mostLive, refused } = await withoutGuard(new Stopwatch(50));
    expect(mostLive).toBe(5);
    expect(refused).toBeGreaterThan(0);
  });

  it('is live exactly once behind the gate, and the ticks in between are skipped and recorded', async () => {
    const { mostLive, refused, ticks, statistics } = await withGate(new Stopwatch(50));

    expect(mostLive).toBe(1);
    expect(refused).toBe(0);
    expect(ticks).toHaveLength(12);
    expect(new Set(ticks)).toEqual(new Set(['ran', 'overlap']));
    expect(ticks.slice(0, 8)).toEqual(['ran', ...Array.from({ length: 7 }, () => 'overlap')]);
    expect(statistics.ticks.ran + statistics.ticks.skipped).toBeGreaterThanOrEqual(12);
  });
});

describe('S2b, the step loop', () => {
  it('ends early when done, stops when the time is up, and outlives a step that throws', async () => {
    const { early, timeUp, callsAtTheEnd, callsLater, resumedFrom, threw, after } = await stepLoops(new Stopwatch(100));

    expect(early).toMatchObject({ outcome: 'succeeded', steps: 3, result: '3' });
    expect(early.endedAt - (early.startedAt ?? 0)).toBeLessThan(500);
    expect(timeUp).toMatchObject({ outcome: 'unfinished', reason: 'budget' });
    expect(callsLater).toBe(callsAtTheEnd);
    expect(resumedFrom).toBe(timeUp.steps);
    expect(threw).toMatchObject({ outcome: 'failed', error: { message: 'the second step went wrong' } });
    expect(after.outcome).toBe('succeeded');
  });

  it('makes exactly the four steps that fit, by the virtual clock', async () => {
    const clock = createVirtualClock();
    const begun = clock.now();
    const end = await runTick(new Countdown(1_000, 500), { clock, budget: '2s' });
    expect(end).toMatchObject({ outcome: 'unfinished', steps: 4, checkpoint: 4 });
    expect(clock.now() - begun).toBe(2_000);
  });

  it('returns after one second of five when three steps are enough, by the virtual clock', async () => {
    const clock = createVirtualClock();
    const begun = clock.now();
    const end = await runTick(new Countdown(3, 500), { clock, budget: '5s' });
    expect(end).toMatchObject({ outcome: 'succeeded', steps: 3, result: 3 });
    expect(clock.now() - begun).toBe(1_000);
  });

  it('reports what a step throws', async () => {
    const end = await runTick(new Panicking());
    expect(end).toMatchObject({ outcome: 'failed', steps: 2, error: { message: 'the second step went wrong' } });
  });
});

describe('S2c, the leak test', async () => {
  const { stdout } = await leakTest;
  const { many, blocked } = JSON.parse(stdout) as Record<'many' | 'blocked', LeakCount>;

  it('leaves nothing of 1,000 AsyncTasks at once', () => {
    expect(many.mostLive).toBe(1_000);
    expect(Object.values(many.outcomes).reduce((sum, count) => sum + count)).toBe(1_000);
    expect(many.outcomes).toMatchObject({ timedOut: 334, unfinished: 333 });
    expect(many.during.handles['Timeout']).toBeGreaterThan(300);
    expect(many.liveAfter).toBe(0);
    expect(many.after).toEqual(many.before);
  });

  it('leaves nothing of runs that block in threads and processes, once they were stopped by force', () => {
    // The budget is long enough for the first step to begin on a machine that is busy with other things.
    expect(blocked.outcomes).toEqual({ killed: 16 });
    expect(blocked.during.processes).toBeGreaterThan(blocked.before.processes);
    expect(blocked.during.threads).toBeGreaterThan(blocked.before.threads);
    expect(blocked.liveAfter).toBe(0);
    expect(blocked.after).toEqual(blocked.before);
  });
}, 60_000);

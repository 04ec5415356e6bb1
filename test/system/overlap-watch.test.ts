import { describe, expect, test } from 'vitest';
import { type Job, JOB_DEFAULTS } from '../../src/core/job.ts';
import { OverlapWatch, type Violation } from '../../src/system/overlap-watch.ts';

interface Bundle {
  readonly watch: OverlapWatch;
  readonly violations: Violation[];
  /** Ends the turn of the event loop. */
  readonly turn: () => void;
}

function setup(...jobs: readonly Job[]): Bundle {
  const violations: Violation[] = [];
  const deferred: (() => void)[] = [];
  const clock = { defer: (callback: () => void) => void deferred.push(callback) };
  const watch = new OverlapWatch(clock, (violation) => void violations.push(violation));
  watch.setJobs(jobs);
  return {
    watch,
    violations,
    turn() {
      for (const callback of deferred.splice(0)) callback();
    },
  };
}

function jobOf(name: string, ...exclusive: readonly string[]): Job {
  return { ...JOB_DEFAULTS, name, task: { kind: 'shell', shell: 'true' }, exclusive };
}

const run = (job: string, fence: number) => ({ job, runId: `${job}-${fence}`, fence });

describe('the watch over overlaps', () => {
  test('is content with runs one after the other, and with jobs side by side', () => {
    const { watch, violations, turn } = setup(jobOf('a', 'disk'), jobOf('b', 'net'), jobOf('c', 'disk'));
    for (let fence = 1; fence < 100; fence++) {
      watch.started(run('a', fence));
      watch.started(run('b', fence));
      if (fence % 2 === 0) turn();
      watch.ended(run('b', fence));
      watch.ended(run('a', fence));
      watch.started(run('c', fence));
      if (fence % 3 === 0) turn();
      watch.ended(run('c', fence));
    }
    expect(violations).toEqual([]);
  });

  test('sees a second run start before the first has ended', () => {
    const { watch, violations } = setup(jobOf('a'));
    watch.started(run('a', 1));
    watch.started(run('a', 2));
    expect(violations).toEqual([
      { job: 'a', runId: 'a-2', fence: 2, other: 'a-1', otherFence: 1, what: 'two live runs of one job', resource: undefined },
    ]);
  });

  test('sees a fence that is given twice, and one that goes back', () => {
    const { watch, violations } = setup(jobOf('a'));
    for (const fence of [5, 5, 4]) {
      watch.started({ ...run('a', fence), runId: `run-${violations.length}` });
      watch.ended({ job: 'a', runId: `run-${violations.length}` });
      watch.ended({ job: 'a', runId: 'run-0' });
      watch.ended({ job: 'a', runId: 'run-1' });
    }
    expect(violations.map(({ what, fence, otherFence }) => [what, fence, otherFence])).toEqual([
      ['a fence that did not grow', 5, 5],
      ['a fence that did not grow', 4, 5],
    ]);
  });

  test.each([true, false])(
    'sees two live runs that share a resource, be it that they started in different turns: %s',
    (differs) => {
      const { watch, violations, turn } = setup(jobOf('a', 'disk', 'net'), jobOf('b', 'net'));
      watch.started(run('a', 1));
      if (differs) turn();
      watch.started(run('b', 1));
      turn();
      expect(violations).toMatchObject([
        { runId: 'b-1', other: 'a-1', what: 'two live runs that share a resource', resource: 'net' },
      ]);
    },
  );

  test('lets a resource go with the run that held it', () => {
    const { watch, violations, turn } = setup(jobOf('a', 'disk'), jobOf('b', 'disk'));
    watch.started(run('a', 1));
    turn();
    watch.ended(run('a', 1));
    watch.started(run('b', 1));
    turn();
    expect(violations).toEqual([]);
  });

  test('is not misled by the end of a run that never started', () => {
    const { watch, violations } = setup(jobOf('a'));
    watch.started(run('a', 1));
    watch.ended({ job: 'a', runId: 'withdrawn' });
    watch.started(run('a', 2));
    expect(violations).toHaveLength(1);
  });

  test('takes no offence at a run that was granted before a reload gave its job a resource', () => {
    const { watch, violations, turn } = setup(jobOf('a'), jobOf('b', 'disk'));
    watch.started(run('b', 1));
    turn();
    watch.setJobs([jobOf('a', 'disk'), jobOf('b', 'disk')]);
    watch.started(run('a', 1));
    turn();
    expect(violations).toEqual([]);
    watch.ended(run('a', 1));
    watch.started(run('a', 2));
    turn();
    expect(violations).toMatchObject([{ runId: 'a-2', other: 'b-1', resource: 'disk' }]);
  });

  test('takes no offence at a run that a reload freed of a resource, and that started before the reload was over', () => {
    const { watch, violations, turn } = setup(jobOf('a', 'disk'), jobOf('b', 'disk'), jobOf('c', 'disk'));
    watch.started(run('b', 1));
    turn();
    watch.started(run('a', 1));
    watch.setJobs([jobOf('a'), jobOf('b', 'disk'), jobOf('c', 'disk')]);
    turn();
    watch.ended(run('b', 1));
    watch.started(run('c', 1));
    turn();
    expect(violations).toEqual([]);
  });

  test('remembers what a live run holds when a reload frees its job of it', () => {
    const { watch, violations, turn } = setup(jobOf('a', 'disk'), jobOf('b', 'disk'));
    watch.started(run('a', 1));
    turn();
    watch.setJobs([jobOf('a'), jobOf('b', 'disk')]);
    watch.started(run('b', 1));
    turn();
    expect(violations).toMatchObject([{ runId: 'b-1', other: 'a-1', resource: 'disk' }]);
  });

  test('watches a live run on when a reload takes its job away and brings it back', () => {
    const { watch, violations } = setup(jobOf('a'));
    watch.started(run('a', 1));
    watch.setJobs([]);
    watch.setJobs([jobOf('a')]);
    watch.started(run('a', 2));
    expect(violations).toHaveLength(1);
  });
});

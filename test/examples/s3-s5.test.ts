import { describe, expect, it } from 'vitest';
import { leavesAtOnce, withContexts, withoutContexts } from '../../examples/s3-lock-with-deadline/main.ts';
import { contextTree } from '../../examples/s4a-context-tree/main.ts';
import { searches } from '../../examples/s4b-search-server/main.ts';
import { Stopwatch } from '../../examples/stopwatch.ts';
import { oneResult } from '../../examples/s5a-one-result/main.ts';
import { gatherWithTimeout } from '../../examples/s5b-gather-timeout/main.ts';
import { passage } from '../../examples/s5c-pipeline/main.ts';
import { firstErrorWins } from '../../examples/s5d-error-propagation/main.ts';
import { cancelAsOne } from '../../examples/s5e-task-group/main.ts';
import { batchHttp } from '../../examples/s5f-batch-http/main.ts';
import { firstOfMany } from '../../examples/s5g-select/main.ts';
import { sharedResult } from '../../examples/s5h-shared-result/main.ts';
import { threeAtATime } from '../../examples/s5i-bounded-concurrency/main.ts';
import { acrossThreads } from '../../examples/s5j-future-across-threads/main.ts';

// Those that last longest mostly wait, so they go on beside each other.
const searching = searches(400);
const gathering = gatherWithTimeout(200);
const batching = batchHttp(400);

describe('S3, a lock that honours deadlines', () => {
  it('lets the third request time out behind the abandoned second one, without contexts', async () => {
    const { requests, worked } = await withoutContexts(new Stopwatch(200));
    expect(requests.map(({ answer }) => answer)).toEqual(['done', 'timed out', 'timed out']);
    expect(worked).toEqual([0, 1, 2]);
  });

  it('passes the second one over and lets the third one set its id, with contexts', async () => {
    const { requests, worked } = await withContexts(new Stopwatch(200));
    expect(requests.map(({ answer }) => answer)).toEqual(['done', 'timed out', 'done']);
    expect(worked).toEqual([0, 2]);
    expect(requests[2]?.at).toBeGreaterThanOrEqual(2);
  });

  it('lets a waiter leave the line at once when its deadline passes', async () => {
    expect(await leavesAtOnce(new Stopwatch(50))).toEqual({ before: 1, after: 0, stillHeld: true });
  });
});

describe('S4a, a context tree', () => {
  const { cancelled, reasonBelow, childOutlivesParentMs, values, detachedCancelled } = contextTree();

  it('cancels all below the one that is cancelled, and only them', () => {
    expect(cancelled).toEqual({ root: false, server: false, sibling: false, request: true, user: true, query: true, row: true });
    expect(reasonBelow).toEqual(new Error('the client went away'));
  });

  it('gives no child a later deadline than its parent has', () => {
    expect(childOutlivesParentMs).toBe(0);
  });

  it('shows values below and not above, and leaves detached work alone', () => {
    expect(Object.values(values)).toEqual(['search', 'ann', undefined, undefined, 'ann']);
    expect(detachedCancelled).toBe(false);
  });
});

describe('S4b, the search server', async () => {
  const { asked, gone, helpersAtAnswer } = await searching;
  const [unlimited, tight, ample, without] = asked;

  it('finds six results after two seconds without a timeout', () => {
    expect(unlimited?.status).toBe(200);
    expect(unlimited?.body.results).toEqual(['Title 6', 'Title 16', 'Title 26', 'Title 36', 'Title 46', 'Title 56']);
    expect(unlimited?.seconds).toBeGreaterThanOrEqual(2);
    expect(unlimited?.backEnd).toEqual(['asked', 'answered']);
    expect(unlimited?.database).toEqual(['begun', 'done', 'released']);
  });

  it('answers "deadline exceeded" when a second is too little, and both helpers have ended', () => {
    expect(tight).toMatchObject({ status: 504, body: { error: 'deadline exceeded' } });
    expect(tight?.seconds).toBeGreaterThanOrEqual(1);
    expect(tight?.seconds).toBeLessThan(2);
    expect(tight?.backEnd).toEqual(['asked', 'connection closed']);
    expect(tight?.database).toEqual(['begun', 'cancelled', 'released']);
  });

  it('finds them with a timeout of four seconds', () => {
    expect(ample?.status).toBe(200);
    expect(ample?.body.results).toHaveLength(6);
  });

  it('answers 400 without a query, and asks nobody', () => {
    expect(without).toMatchObject({ status: 400, backEnd: [], database: [] });
  });

  it('cancels everything for a client that goes away', () => {
    expect(gone.backEnd).toEqual(['asked', 'connection closed']);
    expect(gone.database).toEqual(['begun', 'cancelled', 'released']);
  });

  it('never answers before its helpers have ended', () => {
    expect(helpersAtAnswer.length).toBeGreaterThanOrEqual(5);
    expect(Math.max(...helpersAtAnswer)).toBe(0);
  });
});

describe('S5a, one task, one result', () => {
  it('settles a future exactly once, and leaves no waiter hanging', async () => {
    const { value, failures, settling, held, gaveUp, later } = await oneResult(new Stopwatch(200));
    expect(value).toEqual([7, 7, 7]);
    expect(failures).toEqual(['it failed later', 'it failed at once']);
    expect(settling).toEqual([true, false, false]);
    expect(held).toBe('first');
    expect(gaveUp).toContain('deadline exceeded');
    expect(later).toBe(8);
  });
});

describe('S5b, gather with a timeout', async () => {
  const { inTime, inTimeSeconds, settled, all } = await gathering;

  it('keeps the first and third result, and cancels and marks the second', () => {
    expect(inTime).toMatchObject([
      { status: 'fulfilled', value: '1 s' },
      { status: 'cancelled', started: true, reason: { code: 'DEADLINE_EXCEEDED' } },
      { status: 'fulfilled', value: '2 s' },
    ]);
    expect(inTimeSeconds).toBeGreaterThanOrEqual(2.5);
    expect(inTimeSeconds).toBeLessThan(3);
  });

  it('loses no result to a failure in settled mode', () => {
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  });

  it('cancels the others on a failure in all mode', () => {
    expect(all.error).toContain('the task of 1 s failed');
    expect(all.finished).toEqual([]);
  });
});

describe('S5c, a pipeline with acknowledgement', () => {
  it('acknowledges every item, and reads its source no faster than the slowest stage works', async () => {
    const { fates, mostOnTheWay, seconds, error } = await passage(new Stopwatch(100));
    expect(fates).toEqual(Array.from({ length: 12 }, () => 'done'));
    // Three stages with a place before each, and one item in the hand of the producer.
    expect(mostOnTheWay).toBeLessThanOrEqual(7);
    expect(seconds).toBeGreaterThanOrEqual(3.6);
    expect(error).toBeUndefined();
  });

  it('closes all stages on an error, and gives a word for each item', async () => {
    const { fates, error } = await passage(new Stopwatch(100), 'bad item');
    expect(fates.slice(0, 4)).toEqual(['done', 'done', 'done', 'failed in parse']);
    expect(fates.slice(4).every((fate) => fate.startsWith('dropped') || fate === 'not taken')).toBe(true);
    expect(fates.at(-1)).toBe('not taken');
    expect(error).toContain('page 4 cannot be read');
  });

  it('closes all stages on a cancel, and gives a word for each item', async () => {
    const { fates, error } = await passage(new Stopwatch(250), 'cancel');
    expect(fates[0]).toBe('done');
    expect(fates.filter((fate) => fate.startsWith('dropped')).length).toBeGreaterThan(0);
    expect(fates).not.toContain('LOST');
    expect(fates.at(-1)).toBe('not taken');
    expect(error).toContain('deadline exceeded');
  });
});

describe('S5d, error propagation', () => {
  it('cancels the siblings, waits for their cleaning up, and throws the first error with its context', async () => {
    const { journal, error, liveAtError } = await firstErrorWins(new Stopwatch(200));
    expect(journal.toSorted()).toEqual(['a.csv closed', 'a.csv copied', 'b.csv closed', 'c.csv closed', 'd.csv closed']);
    expect(error).toEqual({
      code: 'TASK_FAILED',
      message: 'copy b.csv: b.csv ends before its time',
      cause: new RangeError('b.csv ends before its time'),
    });
    expect(liveAtError).toBe(0);
  });
});

describe('S5e, a task group', () => {
  it('hears all three say cancelled, and ends only then', async () => {
    const { said, endedAt, liveAtEnd } = await cancelAsOne(new Stopwatch(200));
    expect(said.toSorted()).toEqual(['one cancelled', 'three cancelled', 'two cancelled']);
    expect(endedAt).toBeGreaterThanOrEqual(2.5);
    expect(endedAt).toBeLessThan(5);
    expect(liveAtEnd).toBe(0);
  });
});

describe('S5f, batch HTTP', async () => {
  const { settled, abortedInSettled, allError, abortedInAll } = await batching;

  it('marks each request when settled, and aborts in flight what is too late', () => {
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'cancelled', 'fulfilled', 'rejected']);
    expect(abortedInSettled).toEqual(['/3']);
  });

  it('aborts the rest in flight when one of all fails', () => {
    expect(allError).toContain('/fail answered 500');
    expect(abortedInAll).toEqual(['/1', '/2', '/3']);
  });
});

describe('S5g, select', () => {
  it('takes the default, the timeout, or the first that comes, and loses nothing', async () => {
    const { withDefault, withTimeout, chosen, lostSelectsKb } = await firstOfMany(new Stopwatch(200), 10_000);
    expect(withDefault).toBe('none (default)');
    expect(withTimeout).toBe('none (timeout)');
    expect(chosen).toEqual(['mail: first letter', 'mail: second letter', 'result: 42']);
    // A watcher that stays would be some 300 bytes, so 3,000 kB.
    expect(lostSelectsKb).toBeLessThan(1_000);
  });
});

describe('S5h, a result shared by concurrent writers', () => {
  it('loses no update of four threads that report at once', async () => {
    const { expected, reading } = await sharedResult(4, 20_000);
    expect(reading).toMatchObject({ ...expected, omitted: 0 });
    expect(reading.errors).toHaveLength(expected.failed);
    expect(new Set(reading.errors.map(({ message }) => message)).size).toBe(expected.failed);
  });
});

describe('S5i, bounded concurrency and ordered results', () => {
  it('has never more than three live, and gives the results in the order of the input', async () => {
    const { results, ended, mostLive } = await threeAtATime(new Stopwatch(200));
    expect(mostLive).toBe(3);
    expect(results).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(ended).not.toEqual(results);
  });
});

describe('S5j, a future across threads', () => {
  it('is set in one thread and awaited in another, once, and leaves nobody hanging', async () => {
    const { value, secondCounted, rejected, abandoned } = await acrossThreads();
    expect(value).toEqual({ from: 'another thread', sum: 500_000_500_000 });
    expect(secondCounted).toBe(false);
    expect(rejected).toBe('RangeError: the sum does not fit');
    expect(abandoned).toContain('has not set its result');
  });
});

/** What every store keeps of the messages that wait, and of which happenings it makes some. */
import { describe, expect, it } from 'vitest';
import type { Happening, MessageDraft, PlanMessages } from '../../src/core/message.ts';
import type { Grant, Store, TickClaim } from '../../src/core/store.ts';
import { runIdOf } from '../../src/core/tick.ts';
import { ARMED_AT, endOf, makeJob, ticksOf, turnOf } from './fixture.ts';

const [T1, T2, T3, T4] = [1, 2, 3, 4].map((second) => ARMED_AT + second * 1_000) as [number, number, number, number];

export function draftOf(body: string): MessageDraft {
  return { job: 'a', event: 'failed', target: 'hook', body };
}

/** @param open gives an empty store that makes messages by this plan */
export function describeMessages(name: string, open: (plan?: PlanMessages) => Promise<Store>): void {
  const bodies = async (store: Store, now = Infinity, limit = 1_000): Promise<string[]> =>
    (await store.dueMessages(Math.min(now, 1e15), limit)).map(({ body }) => body);

  describe(`${name}: messages that wait`, () => {
    it('are given as they were kept, oldest first, under numbers that grow', async () => {
      await using store = await open();
      await store.enqueue([draftOf('1'), draftOf('2')], T1);
      await store.enqueue([], T1);
      await store.enqueue([draftOf('3')], T2);
      const due = await store.dueMessages(T2, 10);
      expect(due).toEqual([
        { ...draftOf('1'), id: due[0]?.id, createdAt: T1, attempts: 0, nextAttemptAt: T1 },
        { ...draftOf('2'), id: due[1]?.id, createdAt: T1, attempts: 0, nextAttemptAt: T1 },
        { ...draftOf('3'), id: due[2]?.id, createdAt: T2, attempts: 0, nextAttemptAt: T2 },
      ]);
      const ids = due.map(({ id }) => id);
      expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
      expect(await bodies(store, T1)).toEqual(['1', '2']);
      expect(await bodies(store, T2, 2)).toEqual(['1', '2']);
      expect(await bodies(store, T1 - 1)).toEqual([]);
    });

    it.each(['sent', 'dropped'] as const)('are gone when they were %s, and their number is never given again', async (kind) => {
      await using store = await open();
      await store.enqueue([draftOf('1'), draftOf('2')], T1);
      const [first, second] = await store.dueMessages(T1, 10);
      await store.settleMessage(first?.id ?? 0, { kind });
      await store.settleMessage(second?.id ?? 0, { kind });
      await store.settleMessage(second?.id ?? 0, { kind: 'retry', at: T4 });
      expect(await store.nextMessageAt()).toBeUndefined();
      await store.enqueue([draftOf('3')], T2);
      const [third] = await store.dueMessages(T2, 10);
      expect(third?.id).toBeGreaterThan(second?.id ?? 0);
    });

    it('wait until their next attempt when one failed', async () => {
      await using store = await open();
      await store.enqueue([draftOf('1'), draftOf('2')], T1);
      const [first] = await store.dueMessages(T1, 1);
      await store.settleMessage(first?.id ?? 0, { kind: 'retry', at: T2 });
      await store.settleMessage(first?.id ?? 0, { kind: 'retry', at: T3 });
      expect(await bodies(store, T3 - 1)).toEqual(['2']);
      expect(await store.nextMessageAt()).toBe(T1);
      expect(await store.dueMessages(T3, 1)).toEqual([{ ...first, attempts: 2, nextAttemptAt: T3 }]);
    });

    it('are passed over when nobody knows their number', async () => {
      await using store = await open();
      await store.enqueue([draftOf('1')], T1);
      await store.settleMessage(4_711, { kind: 'sent' });
      await store.settleMessage(4_711, { kind: 'retry', at: T4 });
      expect(await bodies(store)).toEqual(['1']);
      expect(await store.nextMessageAt()).toBe(T1);
    });

    it('are dropped, the oldest first, when more than 100,000 wait', async () => {
      await using store = await open();
      await store.enqueue(
        Array.from({ length: 99_999 }, (_, index) => draftOf(`${index}`)),
        T1,
      );
      const [first] = await store.dueMessages(T1, 1);
      await store.settleMessage(first?.id ?? 0, { kind: 'sent' });
      await store.enqueue([draftOf('x'), draftOf('y')], T1);
      expect(await bodies(store, T1, 2)).toEqual(['1', '2']);
      await store.enqueue([draftOf('z')], T1);
      expect(await bodies(store, T1, 2)).toEqual(['2', '3']);
      await store.enqueue([draftOf('v'), draftOf('w')], T1);
      expect(await bodies(store, T1, 2)).toEqual(['4', '5']);
    });
  });

  describe(`${name}: happenings`, () => {
    const job = makeJob('a', { onOverlap: 'queue' });
    const setup = async (): Promise<
      AsyncDisposable & { store: Store; told: Happening[]; start(tick: number): Promise<Grant> }
    > => {
      const told: Happening[] = [];
      const store = await open((happening) => {
        told.push(happening);
        return [draftOf(`${told.length} first`), draftOf(`${told.length} second`)];
      });
      await store.arm([job], ARMED_AT);
      return {
        store,
        told,
        start: async (tick) => (await store.commit(turnOf(tick, { claims: [ticksOf(job, [tick])] }))).grants[0] as Grant,
        [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
      };
    };
    const missedBy = async (claim: TickClaim): Promise<Happening[]> => {
      await using it = await setup();
      await it.store.arm([claim.job], ARMED_AT);
      await it.store.commit(turnOf(T4, { claims: [claim] }));
      return it.told;
    };

    it('are the ends of runs, each with how the run before it ended', async () => {
      await using it = await setup();
      const outcomes = ['failed', 'lost', 'succeeded'] as const;
      for (const [index, outcome] of outcomes.entries()) {
        const end = endOf(await it.start(T1 + index), T2, { outcome });
        await it.store.commit(turnOf(T2, { ends: [end] }));
        expect(it.told.at(-1)).toEqual({ kind: 'ended', end, previous: outcomes[index - 1] });
      }
      expect(it.told).toHaveLength(3);
      const due = await it.store.dueMessages(T2, 10);
      expect(due.map(({ body }) => body)).toEqual(['1 first', '1 second', '2 first', '2 second', '3 first', '3 second']);
      expect(due[0]).toMatchObject({ ...draftOf('1 first'), createdAt: T2, nextAttemptAt: T2 });
    });

    it('look past runs that were cancelled: a failure is not over until a run ends well', async () => {
      await using it = await setup();
      for (const [index, outcome] of (['failed', 'cancelled', 'succeeded'] as const).entries())
        await it.store.commit(turnOf(T2, { ends: [endOf(await it.start(T1 + index), T2, { outcome })] }));
      expect(it.told.map((happening) => (happening.kind === 'ended' ? happening.previous : 'none'))).toEqual([
        undefined,
        'failed',
        'failed',
      ]);
    });

    it('know how the run before ended when the history holds it no more', async () => {
      await using it = await setup();
      const brief = makeJob('brief', { history: { maxRunsPerJob: 1, maxAgeMs: 1 } });
      await it.store.arm([brief], ARMED_AT);
      for (let index = 1; index <= 200; index++) {
        const at = T1 + index * 1_000;
        const { grants } = await it.store.commit(turnOf(at, { claims: [ticksOf(brief, [at])] }));
        const outcome = index % 2 === 0 ? 'succeeded' : 'failed';
        await it.store.commit(turnOf(at + 1, { ends: grants.map((grant) => endOf(grant, at + 1, { outcome })) }));
      }
      const previous = it.told.map((happening) => (happening.kind === 'ended' ? happening.previous : 'none'));
      expect(previous).toEqual(
        Array.from({ length: 200 }, (_, index) => ['failed', 'succeeded'][(index + 1) % 2]).with(0, undefined as never),
      );
    });

    it('are no ends that are refused', async () => {
      await using it = await setup();
      const live = await it.start(T1);
      await it.store.commit(turnOf(T2, { ends: [endOf({ ...live, fence: 7 }, T2), endOf({ ...live, runId: 'other' }, T2)] }));
      await it.store.commit(turnOf(T2, { ends: [endOf(live, T2), endOf(live, T2, { outcome: 'failed' })] }));
      await it.store.commit(turnOf(T3, { ends: [endOf(live, T3)] }));
      expect(it.told).toMatchObject([{ end: { outcome: 'succeeded' } }]);
      expect(await bodies(it.store)).toHaveLength(2);
    });

    it('are no queued runs that are withdrawn; they are not how a run before ended either', async () => {
      await using it = await setup();
      const live = await it.start(T1);
      await it.store.commit(turnOf(T2, { claims: [ticksOf(job, [T2])] }));
      const queued = { job: 'a', runId: runIdOf('a', T2), fence: undefined };
      await it.store.commit(turnOf(T3, { ends: [endOf(queued, T3, { outcome: 'cancelled' })] }));
      expect(it.told).toEqual([]);
      await it.store.commit(turnOf(T3, { ends: [endOf(live, T3)] }));
      expect(it.told).toMatchObject([{ kind: 'ended', previous: undefined }]);
      expect(await bodies(it.store)).toHaveLength(2);
    });

    it('are ticks that were missed, once for those that follow each other for one reason', async () => {
      const claim = ticksOf(makeJob('b', { onMissed: 'skip', missedWindowMs: 1_500 }), [T1, T2, T3, T4], { liveSince: T4 });
      const both = { kind: 'missed', job: 'b', count: 2, at: T4 };
      expect(await missedBy(claim)).toEqual([
        { ...both, reason: 'window', from: T1, to: T2 },
        { ...both, reason: 'down', from: T3, to: T4 },
      ]);
    });

    it('are ticks over the limit, and none that ran or folded', async () => {
      const all = makeJob('b', { onMissed: 'all', missedLimit: 1 });
      expect(await missedBy(ticksOf(all, [T1, T2, T3], { liveSince: T3 }))).toMatchObject([
        { kind: 'missed', reason: 'limit', from: T1, to: T2, count: 2 },
      ]);
      const latest = makeJob('b', { onMissed: 'latest' });
      expect(await missedBy(ticksOf(latest, [T1, T2, T3, T4], { liveSince: T3 }))).toEqual([]);
    });

    it('are ranges of missed ticks, which nobody has counted, together with the ticks that follow them', async () => {
      const ranged = makeJob('b', { onMissed: 'skip', missedWindowMs: 2_500, schedules: [{ kind: 'every', everyMs: 1 }] });
      const claim = { ...ticksOf(ranged, [T4], { liveSince: T4 }), gap: { from: ARMED_AT, to: T4 - 1 } };
      const border = T4 - 2_501;
      expect(await missedBy(claim)).toEqual([
        { kind: 'missed', job: 'b', reason: 'window', from: ARMED_AT, to: border, count: undefined, at: T4 },
        { kind: 'missed', job: 'b', reason: 'down', from: border, to: T4, count: undefined, at: T4 },
      ]);
    });

    it('leave no message when their turn is not kept', async () => {
      await using it = await setup();
      const live = await it.start(T1);
      const claims = [ticksOf(makeJob('unarmed'), [T2])];
      await expect((async () => it.store.commit(turnOf(T2, { ends: [endOf(live, T2)], claims })))()).rejects.toThrow(
        'before it was armed',
      );
      expect(await it.store.nextMessageAt()).toBeUndefined();
      await it.store.commit(turnOf(T2, { ends: [endOf(live, T2)] }));
      expect(await bodies(it.store)).toHaveLength(2);
    });
  });
}

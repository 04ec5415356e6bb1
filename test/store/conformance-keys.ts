/** What every store keeps of the keys of triggers. */
import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import type { Grant, Idempotency, Store, TriggerClaim, TurnResult } from '../../src/core/store.ts';
import { ARMED_AT, endOf, makeJob, ticksOf, triggerOf, turnOf } from './fixture.ts';

const [T1, T2, T3] = [ARMED_AT + 1_000, ARMED_AT + 2_000, ARMED_AT + 3_000];
const UNTIL = ARMED_AT + 100_000;

export function keyOf(key: string, overrides: Partial<Idempotency> = {}): Idempotency {
  return { key, fingerprint: 'request', until: UNTIL, ...overrides };
}

/** @param open gives an empty store */
export function describeKeys(name: string, open: () => Promise<Store>): void {
  const [a, b] = [makeJob('a'), makeJob('b')];
  const queue = makeJob('queue', { onOverlap: 'queue' });

  const setup = async (): Promise<
    AsyncDisposable & { store: Store; ask(at: number, job: Job, runId: string, own?: Partial<TriggerClaim>): Promise<TurnResult> }
  > => {
    const store = await open();
    await store.arm([a, b, queue], ARMED_AT);
    return {
      store,
      ask: async (at, job, runId, own) =>
        store.commit(turnOf(at, { claims: [triggerOf(job, at, { runId, idempotency: keyOf('k'), ...own })] })),
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    };
  };
  const repeat = (runId: string, sameRequest = true): object => ({ kind: 'repeat', runId, sameRequest });

  describe(`${name}: keys of triggers`, () => {
    it('lead to the run that the first trigger started, live or ended, and start nothing', async () => {
      await using it = await setup();
      const { grants } = await it.ask(T1, a, 'first');
      expect(grants).toMatchObject([{ runId: 'first', fence: 1 }]);
      expect(await it.ask(T2, a, 'second')).toMatchObject({ grants: [], decisions: [[repeat('first')]] });
      await it.store.commit(turnOf(T2, { ends: [endOf(grants[0] as Grant, T2)] }));
      expect(await it.ask(T3, a, 'third')).toMatchObject({ grants: [], decisions: [[repeat('first')]] });
      expect((await it.store.runs({ limit: 9 })).map(({ id }) => id)).toEqual(['first']);
      expect(await it.store.slots()).toMatchObject([{ job: 'a', fence: 1, live: undefined, queued: [] }, {}, {}]);
    });

    it('tell the same request from another', async () => {
      await using it = await setup();
      await it.ask(T1, a, 'first');
      const other = { idempotency: keyOf('k', { fingerprint: 'other request' }) };
      expect((await it.ask(T2, a, 'second', other)).decisions).toEqual([[repeat('first', false)]]);
      expect((await it.ask(T2, a, 'third')).decisions).toEqual([[repeat('first')]]);
    });

    it('are of one job', async () => {
      await using it = await setup();
      await it.ask(T1, a, 'first');
      expect((await it.ask(T2, b, 'second')).grants).toMatchObject([{ job: 'b', runId: 'second' }]);
    });

    it('lead to a queued run, and to the run into which a trigger folded', async () => {
      await using it = await setup();
      await it.ask(T1, queue, 'live');
      await it.ask(T1, queue, 'queued', { idempotency: keyOf('queued') });
      const folded = { idempotency: keyOf('folded') };
      expect((await it.ask(T1, queue, 'folds', folded)).decisions).toEqual([[{ kind: 'fold', into: 'queued' }]]);
      expect((await it.ask(T2, queue, 'x', { idempotency: keyOf('queued') })).decisions).toEqual([[repeat('queued')]]);
      expect((await it.ask(T2, queue, 'y', folded)).decisions).toEqual([[repeat('queued')]]);
    });

    it('are not used up by a trigger that is refused', async () => {
      await using it = await setup();
      const { grants } = await it.ask(T1, a, 'live', { idempotency: undefined });
      expect((await it.ask(T2, a, 'second')).decisions).toMatchObject([[{ kind: 'refuse' }]]);
      await it.store.commit(turnOf(T2, { ends: [endOf(grants[0] as Grant, T2)] }));
      expect((await it.ask(T3, a, 'third')).grants).toMatchObject([{ runId: 'third' }]);
    });

    it('answer before the gate does, a daemon that drains included', async () => {
      await using it = await setup();
      await it.ask(T1, a, 'first');
      const { context } = triggerOf(a, T2);
      const draining = { context: { ...context, draining: true } };
      expect((await it.ask(T2, a, 'second', draining)).decisions).toEqual([[repeat('first')]]);
    });

    it('stand for one run when they come twice in a turn', async () => {
      await using it = await setup();
      const claims = ['first', 'second'].map((runId) => triggerOf(a, T1, { runId, idempotency: keyOf('k') }));
      const { grants, decisions } = await it.store.commit(turnOf(T1, { claims }));
      expect(grants).toMatchObject([{ runId: 'first' }]);
      expect(decisions).toEqual([[{ kind: 'start', runId: 'first' }], [repeat('first')]]);
    });

    it('expire, and may then stand for another run', async () => {
      await using it = await setup();
      const { grants } = await it.ask(T1, a, 'first', { idempotency: keyOf('k', { until: T3 }) });
      await it.store.commit(turnOf(T2, { ends: [endOf(grants[0] as Grant, T2)] }));
      expect((await it.ask(T3 - 1, a, 'second')).decisions).toEqual([[repeat('first')]]);
      expect((await it.ask(T3, a, 'third')).grants).toMatchObject([{ runId: 'third' }]);
      expect((await it.ask(T3 + 1, a, 'fourth')).decisions).toEqual([[repeat('third')]]);
    });

    it('outlive the run that they stand for', async () => {
      await using it = await setup();
      await it.ask(T1, queue, 'live', { idempotency: undefined });
      await it.ask(T1, queue, 'withdrawn');
      const withdrawn = { job: 'queue', runId: 'withdrawn', fence: undefined };
      await it.store.commit(turnOf(T2, { ends: [endOf(withdrawn, T2, { outcome: 'cancelled' })] }));
      expect((await it.ask(T3, queue, 'next')).decisions).toEqual([[repeat('withdrawn')]]);
    });

    it('are not kept when their turn is not', async () => {
      await using it = await setup();
      const claims = [triggerOf(a, T1, { runId: 'first', idempotency: keyOf('k') }), ticksOf(makeJob('unarmed'), [T1])];
      await expect((async () => it.store.commit(turnOf(T1, { claims })))()).rejects.toThrow('before it was armed');
      expect((await it.ask(T2, a, 'second')).grants).toMatchObject([{ runId: 'second' }]);
    });
  });
}

/** What every store keeps, whatever its medium. */
import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import type { NodeIdentity } from '../../src/core/ledger.ts';
import type { PlanMessages } from '../../src/core/message.ts';
import type { EndWrite, Grant, Store, Turn, TurnResult } from '../../src/core/store.ts';
import { runIdOf } from '../../src/core/tick.ts';
import { describeKeys } from './conformance-keys.ts';
import { describeLog } from './conformance-log.ts';
import { describeMessages } from './conformance-messages.ts';
import { ARMED_AT, endOf, makeJob, NODE, ticksOf, triggerOf, turnOf } from './fixture.ts';

interface Bench extends AsyncDisposable {
  readonly store: Store;
  commit(at: number, parts: Partial<Turn>): Promise<TurnResult>;
  /** Ticks of one job; the one grant that they led to. */
  start(job: Job, tick: number): Promise<Grant>;
  end(grant: Grant, overrides?: Partial<EndWrite>): Promise<boolean>;
}

const T1 = ARMED_AT + 1_000;
const T2 = ARMED_AT + 2_000;
const T3 = ARMED_AT + 3_000;
const T4 = ARMED_AT + 4_000;

/**
 * Runs the suite over one kind of store.
 *
 * @param name of the store, for the report
 * @param open gives an empty store of this node, which makes messages by this plan
 */
export function describeStore(name: string, open: (node: NodeIdentity, messages?: PlanMessages) => Promise<Store>): void {
  const setup = async (...jobs: readonly Job[]): Promise<Bench> => {
    const store = await open(NODE);
    await store.arm(jobs, ARMED_AT);
    const commit = async (at: number, parts: Partial<Turn>): Promise<TurnResult> => store.commit(turnOf(at, parts));
    return {
      store,
      commit,
      start: async (job, tick) => {
        const { grants } = await commit(tick, { claims: [ticksOf(job, [tick])] });
        expect(grants).toHaveLength(1);
        return grants[0] as Grant;
      },
      end: async (grant, overrides) => (await commit(T4, { ends: [endOf(grant, T4, overrides)] })).ended[0] === true,
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    };
  };

  describeLog(name, () => open(NODE));
  describeMessages(name, (messages) => open(NODE, messages));
  describeKeys(name, () => open(NODE));

  describe(`${name}: arming`, () => {
    it('gives a new job a free slot that is decided until now', async () => {
      await using bench = await setup();
      const slots = await bench.store.arm([makeJob('b'), makeJob('a')], ARMED_AT);
      expect(slots).toEqual([
        { job: 'b', fence: 0, decidedUntil: ARMED_AT, paused: false, live: undefined, queued: [] },
        { job: 'a', fence: 0, decidedUntil: ARMED_AT, paused: false, live: undefined, queued: [] },
      ]);
    });

    it('leaves a known slot as it is, its live and queued runs included', async () => {
      const job = makeJob('a', { onOverlap: 'queue' });
      await using bench = await setup(job);
      const grant = await bench.start(job, T1);
      await bench.commit(T2, { claims: [ticksOf(job, [T2])] });
      const [slot] = await bench.store.arm([job], T4);
      expect(slot).toEqual({
        job: 'a',
        fence: 1,
        decidedUntil: T2,
        paused: false,
        live: { runId: grant.runId },
        queued: [{ runId: runIdOf('a', T2), cause: 'tick' }],
      });
      expect(await bench.store.slots()).toEqual([slot]);
    });

    it('throws for a claim of a job that was never armed, and keeps nothing of its turn', async () => {
      const job = makeJob('a');
      await using bench = await setup(job);
      const claims = [ticksOf(job, [T1]), ticksOf(makeJob('unarmed'), [T1])];
      await expect(bench.commit(T1, { claims })).rejects.toThrow('before it was armed');
      expect(await bench.store.liveRuns()).toEqual([]);
      expect(await bench.store.ticks({ job: 'a', limit: 9 })).toEqual([]);
    });
  });

  describe(`${name}: ticks`, () => {
    it('grants the slot to a tick under the next fence and writes tick and run', async () => {
      const job = makeJob('a');
      await using bench = await setup(job);
      const { grants, decisions } = await bench.commit(T1 + 5, { claims: [ticksOf(job, [T1])] });
      const runId = runIdOf('a', T1);
      expect(grants).toEqual([{ job: 'a', runId, fence: 1, tick: T1, cause: 'tick' }]);
      expect(decisions).toEqual([[{ kind: 'start', tick: T1, cause: 'tick', runId }]]);
      expect(await bench.store.ticks({ job: 'a', limit: 10 })).toEqual([
        { job: 'a', tick: T1, outcome: 'ran', runId, decidedAt: T1 + 5 },
      ]);
      expect(await bench.store.runs({ job: 'a', limit: 10 })).toEqual([
        {
          id: runId,
          job: 'a',
          tick: T1,
          cause: 'tick',
          state: 'running',
          fence: 1,
          node: NODE,
          queuedAt: T1 + 5,
          grantedAt: T1 + 5,
          steps: 0,
          attempts: 0,
        },
      ]);
    });

    it('keeps a gap as ranges, beside the rows of the ticks that may run, and decides it once', async () => {
      const schedules = [{ kind: 'every', everyMs: 1 }] as const;
      const job = makeJob('a', { schedules, missedWindowMs: 1_500 });
      await using bench = await setup(job);
      const claim = { ...ticksOf(job, [T2], { liveSince: T2, now: T2 }), gap: { from: ARMED_AT, to: T2 - 1 } };
      const { grants } = await bench.commit(T2, { claims: [claim] });
      const runId = runIdOf('a', T2);
      expect(grants).toMatchObject([{ runId, cause: 'catchup' }]);
      const border = T2 - 1_501;
      const window = { job: 'a', from: ARMED_AT, to: border, outcome: 'missed', reason: 'window', schedules, decidedAt: T2 };
      const folded = { job: 'a', from: border, to: T2 - 1, outcome: 'folded', runId, schedules, decidedAt: T2 };
      expect(await bench.store.ranges({ job: 'a', limit: 9 })).toEqual([folded, window]);
      expect(await bench.store.ticks({ job: 'a', limit: 9 })).toMatchObject([{ tick: T2, outcome: 'ran', runId }]);
      expect((await bench.store.slots())[0]?.decidedUntil).toBe(T2);
      expect((await bench.commit(T3, { claims: [claim] })).decisions).toEqual([[]]);
      expect(await bench.store.ranges({ job: 'a', limit: 9 })).toHaveLength(2);
    });

    it('finds the ranges that reach into a stretch of time, newest first', async () => {
      const job = makeJob('a', { onMissed: 'skip', missedWindowMs: 1e9 });
      await using bench = await setup(job);
      for (const [from, to] of [
        [ARMED_AT, T1],
        [T1 + 1, T2],
        [T2 + 1, T3],
      ] as const)
        await bench.commit(to + 1, { claims: [{ ...ticksOf(job, [to + 1], { liveSince: to + 1 }), gap: { from, to } }] });
      const ends = async (query: { from?: number; to?: number; limit?: number }): Promise<number[]> =>
        (await bench.store.ranges({ job: 'a', limit: 9, ...query })).map(({ to }) => to);
      expect(await ends({})).toEqual([T3, T2, T1]);
      expect(await ends({ limit: 2 })).toEqual([T3, T2]);
      expect(await ends({ from: T2 })).toEqual([T3, T2]);
      expect(await ends({ from: T2 + 1 })).toEqual([T3]);
      expect(await ends({ to: T1 + 2 })).toEqual([T1]);
      expect(await ends({ to: T1 + 3 })).toEqual([T2, T1]);
      expect(await bench.store.ranges({ job: 'unknown', limit: 9 })).toEqual([]);
    });

    it('goes back with the first ticks of a new life, and keeps where the last one ended', async () => {
      const job = makeJob('a');
      await using bench = await setup(job);
      await bench.end(await bench.start(job, T3));
      const rewind = { to: T1, horizon: { until: T3, correction: false } };
      const claim = { ...ticksOf(job, [T2 + 1]), rewind, horizons: [rewind.horizon] };
      const { grants } = await bench.commit(T2 + 1, { claims: [claim] });
      expect(grants).toMatchObject([{ runId: runIdOf('a', T2 + 1), fence: 2 }]);
      const slot = { decidedUntil: T2 + 1, fence: 2, horizons: [rewind.horizon] };
      expect(await bench.store.slots()).toMatchObject([slot]);
      expect(await bench.store.arm([job], T4)).toMatchObject([slot]);
      expect((await bench.store.ticks({ job: 'a', limit: 9 })).map(({ tick }) => tick)).toEqual([T3, T2 + 1]);
    });

    it('does not go back from where it is not, nor without a tick', async () => {
      const job = makeJob('a');
      await using bench = await setup(job);
      await bench.end(await bench.start(job, T3));
      const stale = { to: T1, horizon: { until: T4, correction: false } };
      const sound = { to: T1, horizon: { until: T3, correction: false } };
      const { decisions } = await bench.commit(T2, { claims: [{ ...ticksOf(job, [T2]), rewind: stale }] });
      await bench.commit(T2, { claims: [{ ...ticksOf(job, []), rewind: sound }] });
      expect(decisions).toEqual([[]]);
      expect(await bench.store.slots()).toEqual([expect.objectContaining({ decidedUntil: T3 })]);
      expect((await bench.store.slots())[0]?.horizons).toBeUndefined();
    });

    it('skips a tick while the run before it is live', async () => {
      const job = makeJob('a');
      await using bench = await setup(job);
      await bench.start(job, T1);
      const { grants } = await bench.commit(T2, { claims: [ticksOf(job, [T2])] });
      expect(grants).toEqual([]);
      expect(await bench.store.ticks({ job: 'a', limit: 1 })).toEqual([
        { job: 'a', tick: T2, outcome: 'skipped', reason: 'overlap', decidedAt: T2 },
      ]);
    });

    it('decides a tick once: a second claim of it is passed over', async () => {
      const job = makeJob('a');
      await using bench = await setup(job);
      await bench.end(await bench.start(job, T1));
      const { grants, decisions } = await bench.commit(T4, { claims: [ticksOf(job, [T1])] });
      expect(grants).toEqual([]);
      expect(decisions).toEqual([[]]);
      expect(await bench.store.ticks({ job: 'a', limit: 10 })).toHaveLength(1);
    });

    it('moves decidedUntil to the newest due tick and never back', async () => {
      const job = makeJob('a');
      await using bench = await setup(job);
      await bench.commit(T3, { claims: [ticksOf(job, [T1, T2, T3])] });
      await bench.commit(T4, { claims: [ticksOf(job, [T2])] });
      expect((await bench.store.slots())[0]?.decidedUntil).toBe(T3);
    });

    it('queues one tick and folds the next into it', async () => {
      const job = makeJob('a', { onOverlap: 'queue' });
      await using bench = await setup(job);
      await bench.start(job, T1);
      await bench.commit(T2, { claims: [ticksOf(job, [T2])] });
      await bench.commit(T3, { claims: [ticksOf(job, [T3])] });
      const queued = runIdOf('a', T2);
      expect(await bench.store.ticks({ job: 'a', from: T2, limit: 10 })).toEqual([
        { job: 'a', tick: T3, outcome: 'folded', runId: queued, decidedAt: T3 },
        { job: 'a', tick: T2, outcome: 'ran', runId: queued, decidedAt: T2 },
      ]);
      expect(await bench.store.runs({ state: 'queued', limit: 10 })).toEqual([
        { id: queued, job: 'a', tick: T2, cause: 'tick', state: 'queued', queuedAt: T2, steps: 0, attempts: 0 },
      ]);
    });

    it('asks for a stop and queues the tick under policy cancel', async () => {
      const job = makeJob('a', { onOverlap: 'cancel' });
      await using bench = await setup(job);
      const live = await bench.start(job, T1);
      const { decisions } = await bench.commit(T2, { claims: [ticksOf(job, [T2])] });
      expect(decisions).toEqual([
        [
          { kind: 'stop', runId: live.runId },
          { kind: 'queue', tick: T2, cause: 'tick', runId: runIdOf('a', T2) },
        ],
      ]);
    });

    it('records missed ticks by policy and runs the newest', async () => {
      const job = makeJob('a', { missedWindowMs: 1_500 });
      await using bench = await setup(job);
      const { grants } = await bench.commit(T3, { claims: [ticksOf(job, [T1, T2, T3], { liveSince: T3, now: T3 })] });
      expect(grants).toMatchObject([{ tick: T3, cause: 'catchup' }]);
      expect(
        (await bench.store.ticks({ job: 'a', limit: 10 })).map(({ tick, outcome, reason, runId }) => [
          tick,
          outcome,
          reason ?? runId,
        ]),
      ).toEqual([
        [T3, 'ran', runIdOf('a', T3)],
        [T2, 'folded', runIdOf('a', T3)],
        [T1, 'missed', 'window'],
      ]);
    });

    it('sees in a later claim of a turn what an earlier one did', async () => {
      const job = makeJob('a');
      await using bench = await setup(job);
      const { grants, decisions } = await bench.commit(T2, { claims: [ticksOf(job, [T1]), ticksOf(job, [T2])] });
      expect(grants).toHaveLength(1);
      expect(decisions[1]).toEqual([{ kind: 'skip', tick: T2, reason: 'overlap' }]);
    });

    it('skips every tick of a slot that is paused, and none after it is resumed', async () => {
      const job = makeJob('a');
      await using bench = await setup(job);
      await bench.store.setPaused('a', true);
      expect((await bench.commit(T1, { claims: [ticksOf(job, [T1])] })).decisions).toEqual([
        [{ kind: 'skip', tick: T1, reason: 'paused' }],
      ]);
      await bench.store.setPaused('a', false);
      expect((await bench.commit(T2, { claims: [ticksOf(job, [T2])] })).grants).toHaveLength(1);
    });

    it('refuses to pause a job that it does not know', async () => {
      await using bench = await setup();
      await expect(bench.store.setPaused('nobody', true)).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    });
  });

  describe(`${name}: triggers`, () => {
    it('grants a trigger with its own input and budget and writes no tick', async () => {
      const job = makeJob('a');
      await using bench = await setup(job);
      const claim = triggerOf(job, T1, { input: '{"n":1}', budgetMs: 500 });
      const { grants } = await bench.commit(T1, { claims: [claim] });
      expect(grants).toEqual([
        { job: 'a', runId: claim.runId, fence: 1, tick: T1, cause: 'trigger', input: '{"n":1}', budgetMs: 500 },
      ]);
      expect(await bench.store.ticks({ job: 'a', limit: 10 })).toEqual([]);
      expect(await bench.store.findRuns(claim.runId)).toMatchObject([
        { cause: 'trigger', by: 'tester', input: '{"n":1}', budgetMs: 500 },
      ]);
      expect((await bench.store.slots())[0]?.decidedUntil).toBe(ARMED_AT);
    });

    it('refuses a trigger while a run is live and names that run', async () => {
      const job = makeJob('a');
      await using bench = await setup(job);
      const live = await bench.start(job, T1);
      const { grants, decisions } = await bench.commit(T2, { claims: [triggerOf(job, T2)] });
      expect(grants).toEqual([]);
      expect(decisions).toEqual([[{ kind: 'refuse', reason: 'overlap', liveRunId: live.runId }]]);
    });

    it('queues a trigger and grants it by promotion with what it brought', async () => {
      const job = makeJob('a', { onOverlap: 'queue' });
      await using bench = await setup(job);
      const live = await bench.start(job, T1);
      const claim = triggerOf(job, T2, { input: '1', budgetMs: 9 });
      await bench.commit(T2, { claims: [claim] });
      const { grants } = await bench.commit(T3, { ends: [endOf(live, T3)], promotions: [job] });
      expect(grants).toEqual([{ job: 'a', runId: claim.runId, fence: 2, tick: T2, cause: 'trigger', input: '1', budgetMs: 9 }]);
      expect(await bench.store.findRuns(claim.runId)).toMatchObject([
        { state: 'running', queuedAt: T2, grantedAt: T3, by: 'tester' },
      ]);
    });
  });

  describe(`${name}: the end of a run`, () => {
    it('frees the slot for a claim in the same turn', async () => {
      const job = makeJob('a');
      await using bench = await setup(job);
      const first = await bench.start(job, T1);
      const { ended, grants } = await bench.commit(T2, { ends: [endOf(first, T2)], claims: [ticksOf(job, [T2])] });
      expect(ended).toEqual([true]);
      expect(grants).toMatchObject([{ fence: 2, tick: T2 }]);
    });

    it('keeps all that the end says', async () => {
      const job = makeJob('a');
      await using bench = await setup(job);
      const grant = await bench.start(job, T1);
      const end: EndWrite = {
        ...endOf(grant, T3),
        outcome: 'failed',
        reason: 'exit code 3',
        by: 'operator',
        startedAt: T2,
        budgetMs: 900,
        graceMs: 90,
        steps: 4,
        attempts: 2,
        progress: { completed: 2, total: 5, message: 'half way' },
        result: '{"ok":false}',
        error: { name: 'Error', message: 'exit code 3', code: 'STEP_FAILED' },
        stalled: true,
      };
      await bench.commit(T3, { ends: [end] });
      const { fence: _, runId: __, outcome, ...kept } = end;
      expect(await bench.store.findRuns(grant.runId)).toEqual([
        { ...kept, id: grant.runId, tick: T1, cause: 'tick', state: outcome, fence: 1, node: NODE, queuedAt: T1, grantedAt: T1 },
      ]);
    });

    it.each([
      ['a stale fence', { fence: 7 }],
      ['no fence', { fence: undefined }],
      ['another run', { runId: 'other' }],
      ['another job', { job: 'b' }],
      ['an unknown job', { job: 'nobody' }],
    ])('refuses an end under %s and changes nothing', async (_, wrong) => {
      const job = makeJob('a');
      await using bench = await setup(job, makeJob('b'));
      const grant = await bench.start(job, T1);
      const before = await bench.store.runs({ limit: 10 });
      expect(await bench.end(grant, { ...wrong, checkpoint: '"stale"' })).toBe(false);
      expect(await bench.store.runs({ limit: 10 })).toEqual(before);
      expect((await bench.store.slots())[0]?.live).toEqual({ runId: grant.runId });
      expect(await bench.store.checkpoint('a')).toBeUndefined();
    });

    it('refuses to end a run twice, in one turn or in two', async () => {
      const job = makeJob('a');
      await using bench = await setup(job);
      const grant = await bench.start(job, T1);
      const { ended } = await bench.commit(T2, { ends: [endOf(grant, T2), endOf(grant, T2, { outcome: 'failed' })] });
      expect(ended).toEqual([true, false]);
      expect(await bench.end(grant)).toBe(false);
      expect(await bench.store.findRuns(grant.runId)).toMatchObject([{ state: 'succeeded', endedAt: T2 }]);
    });

    it('withdraws a queued run that has no fence', async () => {
      const job = makeJob('a', { onOverlap: 'queue' });
      await using bench = await setup(job);
      const live = await bench.start(job, T1);
      await bench.commit(T2, { claims: [ticksOf(job, [T2])] });
      const queued = { job: 'a', runId: runIdOf('a', T2), fence: undefined };
      const { ended } = await bench.commit(T3, { ends: [endOf(queued, T3, { outcome: 'cancelled', steps: 0, attempts: 0 })] });
      expect(ended).toEqual([true]);
      expect((await bench.store.slots())[0]).toMatchObject({ live: { runId: live.runId }, queued: [] });
      const [record] = await bench.store.findRuns(queued.runId);
      expect(record).toMatchObject({ state: 'cancelled', endedAt: T3 });
      expect(record).not.toHaveProperty('fence');
      const again = await bench.commit(T4, { ends: [endOf(live, T4), endOf(queued, T4)], promotions: [job] });
      expect(again.ended).toEqual([true, false]);
      expect(again.grants).toEqual([]);
    });

    it('lets the fence grow by one with each grant', async () => {
      const job = makeJob('a');
      await using bench = await setup(job);
      const fences: number[] = [];
      for (let index = 1; index <= 5; index++) {
        const grant = await bench.start(job, ARMED_AT + index * 10_000);
        fences.push(grant.fence);
        await bench.end(grant);
      }
      expect(fences).toEqual([1, 2, 3, 4, 5]);
    });
  });

  describe(`${name}: checkpoints`, () => {
    it('gives the next run what the last one saved', async () => {
      const job = makeJob('a');
      await using bench = await setup(job);
      const first = await bench.start(job, T1);
      const { saved } = await bench.commit(T1, {
        checkpoints: [{ job: 'a', runId: first.runId, fence: 1, checkpoint: '{"at":3}', progress: { completed: 3 }, steps: 3 }],
      });
      expect(saved).toEqual([true]);
      expect(await bench.store.findRuns(first.runId)).toMatchObject([
        { steps: 3, progress: { completed: 3 }, checkpoint: '{"at":3}' },
      ]);
      await bench.end(first);
      expect((await bench.start(job, T2)).checkpoint).toBe('{"at":3}');
    });

    it.each([
      ['leaves it when the end says nothing', undefined, '1'],
      ['clears it on null', null, undefined],
      ['replaces it', '2', '2'],
    ])('%s', async (_, written, kept) => {
      const job = makeJob('a');
      await using bench = await setup(job);
      await bench.end(await bench.start(job, T1), { checkpoint: '1' });
      await bench.end(await bench.start(job, T2), { checkpoint: written });
      expect(await bench.store.checkpoint('a')).toBe(kept);
      expect((await bench.start(job, T3)).checkpoint).toBe(kept);
    });

    it('refuses a checkpoint under a stale fence, and one of a run that has ended', async () => {
      const job = makeJob('a');
      await using bench = await setup(job);
      const grant = await bench.start(job, T1);
      const write = { job: 'a', runId: grant.runId, checkpoint: '"late"', steps: 9 };
      expect((await bench.commit(T2, { checkpoints: [{ ...write, fence: 9 }] })).saved).toEqual([false]);
      const { ended, saved } = await bench.commit(T3, { ends: [endOf(grant, T3)], checkpoints: [{ ...write, fence: 1 }] });
      expect([ended, saved]).toEqual([[true], [false]]);
      expect(await bench.store.checkpoint('a')).toBeUndefined();
    });

    it('holds a checkpoint of 1 MiB', async () => {
      const job = makeJob('a');
      await using bench = await setup(job);
      const checkpoint = JSON.stringify('é'.repeat(524_287));
      await bench.end(await bench.start(job, T1), { checkpoint });
      expect((await bench.start(job, T2)).checkpoint).toBe(checkpoint);
    });

    it('shows a checkpoint with the run that saved it, until another run saves one', async () => {
      const job = makeJob('a');
      await using bench = await setup(job);
      await bench.end(await bench.start(job, T1), { checkpoint: '1' });
      expect((await bench.store.runs({ limit: 9 })).map((run) => run.checkpoint)).toEqual(['1']);
      await bench.end(await bench.start(job, T2), { checkpoint: '2' });
      expect((await bench.store.runs({ limit: 9 })).map((run) => run.checkpoint)).toEqual(['2', undefined]);
    });
  });

  describe(`${name}: promotions`, () => {
    it('grants queued catch-ups one at a time, in order of their ticks', async () => {
      const job = makeJob('a', { onMissed: 'all' });
      await using bench = await setup(job);
      const { grants } = await bench.commit(T3, { claims: [ticksOf(job, [T1, T2, T3], { liveSince: T3 })] });
      const granted = [grants[0] as Grant];
      for (const _ of [T2, T3]) {
        const turn = await bench.commit(T4, { ends: [endOf(granted.at(-1) as Grant, T4)], promotions: [job, job] });
        expect(turn.grants).toHaveLength(1);
        granted.push(turn.grants[0] as Grant);
      }
      expect(granted.map(({ tick, fence, cause }) => [tick, fence, cause])).toEqual([
        [T1, 1, 'catchup'],
        [T2, 2, 'catchup'],
        [T3, 3, 'catchup'],
      ]);
    });

    it('grants nothing while the slot is taken, or when nothing waits', async () => {
      const job = makeJob('a', { onOverlap: 'queue' });
      await using bench = await setup(job);
      expect((await bench.commit(T1, { promotions: [job] })).grants).toEqual([]);
      await bench.start(job, T1);
      await bench.commit(T2, { claims: [ticksOf(job, [T2])] });
      expect((await bench.commit(T3, { promotions: [job] })).grants).toEqual([]);
    });

    it('grants promotions before claims', async () => {
      const [a, b] = [makeJob('a', { onOverlap: 'queue' }), makeJob('b')];
      await using bench = await setup(a, b);
      const live = await bench.start(a, T1);
      await bench.commit(T2, { claims: [ticksOf(a, [T2])] });
      const { grants, decisions } = await bench.commit(T3, {
        ends: [endOf(live, T3)],
        promotions: [a],
        claims: [ticksOf(b, [T3]), ticksOf(a, [T3])],
      });
      expect(grants.map(({ job, tick }) => [job, tick])).toEqual([
        ['a', T2],
        ['b', T3],
      ]);
      expect(decisions[1]).toEqual([{ kind: 'queue', tick: T3, cause: 'tick', runId: runIdOf('a', T3) }]);
    });
  });

  describe(`${name}: exclusive resources`, () => {
    const shared = { exclusive: ['disk', 'tape'] };

    it('skips a tick while another job holds one of its resources', async () => {
      const [a, b] = [makeJob('a', { exclusive: ['disk'] }), makeJob('b', shared)];
      await using bench = await setup(a, b);
      const live = await bench.start(a, T1);
      const { decisions } = await bench.commit(T1, { claims: [ticksOf(b, [T1])] });
      expect(decisions).toEqual([[{ kind: 'skip', tick: T1, reason: 'exclusive' }]]);
      await bench.end(live);
      expect((await bench.start(b, T2)).fence).toBe(1);
    });

    it('does not believe what the claim says about them', async () => {
      const a = makeJob('a', shared);
      await using bench = await setup(a);
      expect((await bench.commit(T1, { claims: [ticksOf(a, [T1], { exclusiveHeld: true })] })).grants).toHaveLength(1);
    });

    it('gives them to one of two claims of a turn', async () => {
      const [a, b] = [makeJob('a', shared), makeJob('b', { exclusive: ['tape'] })];
      await using bench = await setup(a, b);
      const { grants, decisions } = await bench.commit(T1, { claims: [ticksOf(a, [T1]), triggerOf(b, T1)] });
      expect(grants.map((grant) => grant.job)).toEqual(['a']);
      expect(decisions[1]).toEqual([{ kind: 'refuse', reason: 'exclusive', liveRunId: undefined }]);
    });

    it('promotes a queued run only when they are free', async () => {
      const [a, b] = [makeJob('a', shared), makeJob('b', { ...shared, onOverlap: 'queue' })];
      await using bench = await setup(a, b);
      const live = await bench.start(a, T1);
      await bench.commit(T1, { claims: [ticksOf(b, [T1])] });
      expect((await bench.commit(T2, { promotions: [b] })).grants).toEqual([]);
      const { grants } = await bench.commit(T3, { ends: [endOf(live, T3)], promotions: [b] });
      expect(grants.map((grant) => grant.job)).toEqual(['b']);
      expect((await bench.commit(T4, { claims: [ticksOf(a, [T4])] })).decisions).toEqual([
        [{ kind: 'skip', tick: T4, reason: 'exclusive' }],
      ]);
    });
  });

  describe(`${name}: reading`, () => {
    const fiveRuns = async (): Promise<Bench & { readonly ids: readonly string[] }> => {
      const [a, b] = [makeJob('a'), makeJob('b')];
      const bench = await setup(a, b);
      const ids: string[] = [];
      for (const [job, tick] of [
        [a, T1],
        [b, T1 + 1],
        [a, T2],
        [b, T2 + 1],
        [a, T3],
      ] as const) {
        const grant = await bench.start(job, tick);
        ids.unshift(grant.runId);
        if (tick !== T3)
          await bench.commit(tick + 1, { ends: [endOf(grant, tick + 1, { outcome: job === b ? 'failed' : 'succeeded' })] });
      }
      return { ...bench, ids };
    };

    it('gives all runs newest first, a page at a time', async () => {
      await using bench = await fiveRuns();
      const read = async (after?: string): Promise<string[]> =>
        (await bench.store.runs({ limit: 2, ...(after === undefined ? {} : { after }) })).map((run) => run.id);
      expect(await read()).toEqual(bench.ids.slice(0, 2));
      expect(await read(bench.ids[1])).toEqual(bench.ids.slice(2, 4));
      expect(await read(bench.ids[3])).toEqual(bench.ids.slice(4));
      expect(await read(bench.ids[4])).toEqual([]);
    });

    it('gives the runs of one job newest first, a page at a time', async () => {
      await using bench = await fiveRuns();
      const read = async (after?: string): Promise<string[]> =>
        (await bench.store.runs({ job: 'a', limit: 2, ...(after === undefined ? {} : { after }) })).map((run) => run.id);
      const ofA = [bench.ids[0], bench.ids[2], bench.ids[4]];
      expect(await read()).toEqual(ofA.slice(0, 2));
      expect(await read(ofA[1])).toEqual(ofA.slice(2));
      expect(await read(ofA[2])).toEqual([]);
      expect(await read('unknown')).toEqual([]);
    });

    it('gives runs by state and by time', async () => {
      await using bench = await fiveRuns();
      const ids = async (query: Omit<Parameters<Store['runs']>[0], 'limit'>): Promise<(string | undefined)[]> =>
        (await bench.store.runs({ ...query, limit: 100 })).map((run) => run.id);
      expect(await ids({ state: 'failed' })).toEqual([bench.ids[1], bench.ids[3]]);
      expect(await ids({ state: 'succeeded', job: 'a' })).toEqual([bench.ids[2], bench.ids[4]]);
      expect(await ids({ state: 'running' })).toEqual([bench.ids[0]]);
      expect(await ids({ state: 'stopping' })).toEqual([]);
      expect(await ids({ from: T2, to: T3 })).toEqual([bench.ids[1], bench.ids[2]]);
      expect(await ids({ job: 'a', from: T2 })).toEqual([bench.ids[0], bench.ids[2]]);
      expect(await ids({ job: 'nobody' })).toEqual([]);
    });

    it('finds a run by its id or any part of one, at most ten', async () => {
      await using bench = await fiveRuns();
      const whole = bench.ids[2] as string;
      expect((await bench.store.findRuns(whole)).map((run) => run.id)).toEqual([whole]);
      expect((await bench.store.findRuns(runIdOf('a', T1).slice(10))).map((run) => run.job)).toEqual(['a', 'a', 'a']);
      expect(await bench.store.findRuns('%')).toEqual([]);
      const c = makeJob('c', { onMissed: 'all' });
      await bench.store.arm([c], ARMED_AT);
      await bench.commit(T4, {
        claims: [
          ticksOf(
            c,
            Array.from({ length: 12 }, (_, index) => T3 + index),
            { liveSince: T4 },
          ),
        ],
      });
      expect(await bench.store.findRuns('-')).toHaveLength(10);
    });

    it('gives ticks newest first, between two instants', async () => {
      const job = makeJob('a');
      await using bench = await setup(job);
      await bench.commit(T4, { claims: [ticksOf(job, [T1, T2, T3, T4])] });
      expect((await bench.store.ticks({ job: 'a', from: T2, to: T4, limit: 9 })).map((row) => row.tick)).toEqual([T3, T2]);
      expect((await bench.store.ticks({ job: 'a', limit: 1 })).map((row) => row.tick)).toEqual([T4]);
      expect(await bench.store.ticks({ job: 'nobody', limit: 1 })).toEqual([]);
    });

    it('names the live runs and their holder, and no others', async () => {
      const job = makeJob('a', { onOverlap: 'queue' });
      await using bench = await setup(job, makeJob('b'));
      const grant = await bench.start(job, T1);
      await bench.commit(T2, { claims: [ticksOf(job, [T2])] });
      expect((await bench.store.liveRuns()).map(({ id, node }) => [id, node])).toEqual([[grant.runId, NODE]]);
      await bench.end(grant);
      expect(await bench.store.liveRuns()).toEqual([]);
    });

    it('counts ticks by outcome and reason and runs by outcome, what history has dropped included', async () => {
      const job = makeJob('a', { history: { maxRunsPerJob: 3, maxAgeMs: 1e12 } });
      await using bench = await setup(job, makeJob('b'));
      const at = (index: number): number => T4 + index * 10_000;
      for (let index = 0; index < 300; index++) {
        const grant = await bench.start(job, at(index));
        await bench.commit(at(index) + 1, { claims: [ticksOf(job, [at(index) + 1])] });
        const outcome = index % 3 === 0 ? 'failed' : 'succeeded';
        await bench.commit(at(index) + 2, { ends: [endOf(grant, at(index) + 2, { outcome })] });
      }
      await bench.store.setPaused('a', true);
      await bench.commit(at(300), { claims: [ticksOf(job, [at(300)])] });
      const [tally, ...others] = await bench.store.tallies();
      expect(others).toEqual([{ job: 'b', ticks: [], runs: [] }]);
      expect(tally?.runs.toSorted((x, y) => x.count - y.count)).toEqual([
        { outcome: 'failed', count: 100 },
        { outcome: 'succeeded', count: 200 },
      ]);
      expect(tally?.ticks.toSorted((x, y) => String(x.reason).localeCompare(String(y.reason)))).toEqual([
        { outcome: 'skipped', reason: 'overlap', count: 300 },
        { outcome: 'skipped', reason: 'paused', count: 1 },
        { outcome: 'ran', count: 300 },
      ]);
      expect((await bench.store.runs({ job: 'a', limit: 1_000 })).length).toBeLessThan(300);
      expect(await bench.store.tallies('a')).toEqual([tally]);
      expect(await bench.store.tallies('nobody')).toEqual([]);
    });

    it('counts no run that is still open', async () => {
      const job = makeJob('a', { onOverlap: 'queue' });
      await using bench = await setup(job);
      await bench.start(job, T1);
      await bench.commit(T2, { claims: [ticksOf(job, [T2])] });
      expect(await bench.store.tallies('a')).toEqual([{ job: 'a', ticks: [{ outcome: 'ran', count: 2 }], runs: [] }]);
    });

    it('hands a checkpoint that was set by hand to the next run, and none after it was cleared', async () => {
      const job = makeJob('a');
      await using bench = await setup(job);
      await bench.end(await bench.start(job, T1), { checkpoint: '{"page":1}' });
      await bench.store.setCheckpoint('a', '{"page":7}');
      expect(await bench.store.checkpoint('a')).toBe('{"page":7}');
      expect((await bench.store.runs({ job: 'a', limit: 1 }))[0]?.checkpoint).toBeUndefined();
      const next = await bench.start(job, T2);
      expect(next.checkpoint).toBe('{"page":7}');
      await bench.end(next);
      await bench.store.setCheckpoint('a', null);
      expect(await bench.store.checkpoint('a')).toBeUndefined();
      expect((await bench.start(job, T3)).checkpoint).toBeUndefined();
    });

    it('refuses to set the checkpoint of a job whose run is live, and of one that it does not know', async () => {
      const job = makeJob('a');
      await using bench = await setup(job);
      const { runId } = await bench.start(job, T1);
      await expect(bench.store.setCheckpoint('a', '1')).rejects.toMatchObject({ code: 'JOB_BUSY', facts: { runId } });
      await expect(bench.store.setCheckpoint('nobody', '1')).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
      expect(await bench.store.checkpoint('a')).toBeUndefined();
    });

    it('has no checkpoint of a job that it does not know', async () => {
      await using bench = await setup();
      expect(await bench.store.checkpoint('nobody')).toBeUndefined();
    });
  });
}

/** Random turns, applied to both stores: they answer alike, end alike, and keep the promise after every turn. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Job, JobName } from '../../src/core/job.ts';
import type { CheckpointWrite, Claim, EndWrite, Grant, Store, Turn, TurnResult } from '../../src/core/store.ts';
import { RUN_OUTCOMES } from '../../src/core/run.ts';
import type { Happening, MessageDraft } from '../../src/core/message.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { ARMED_AT, endOf, linesOf, makeContext, makeJob, NODE, tempFolder, turnOf } from './fixture.ts';

const JOBS: readonly Job[] = [
  makeJob('skip'),
  makeJob('queue', { onOverlap: 'queue', exclusive: ['disk'] }),
  makeJob('cancel', { onOverlap: 'cancel', onMissed: 'skip' }),
  makeJob('all', { onOverlap: 'queue', onMissed: 'all', missedLimit: 3, missedWindowMs: 4_000, exclusive: ['disk', 'tape'] }),
  makeJob('paused', { paused: true, exclusive: ['tape'] }),
];
const EVERY_MS = 1_000;

/** What one step of the random walk asks of one job. */
const actionOf = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('ticks'), down: fc.boolean(), draining: fc.boolean(), waiting: fc.boolean() }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('end'),
      stale: fc.nat(3).map((n) => n === 0),
      outcome: fc.constantFrom(...RUN_OUTCOMES),
      checkpoint: fc.constantFrom(undefined, null, '1', '{"a":2}'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('trigger'),
      input: fc.option(fc.constant('7'), { nil: undefined }),
      key: fc.option(fc.constantFrom('x', 'y'), { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lines'), steps: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('deliver'), stale: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('save'), steps: fc.nat(9), stale: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('promote') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('withdraw') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pause'), paused: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('arm') }) },
);
type Action = {
  kind: string;
  down?: boolean;
  draining?: boolean;
  waiting?: boolean;
  stale?: boolean;
  outcome?: EndWrite['outcome'];
  checkpoint?: string | null | undefined;
  input?: string | undefined;
  key?: string | undefined;
  steps?: number;
  paused?: boolean;
};
const walkOf = fc.array(
  fc.record({
    elapsedTicks: fc.nat(4),
    actions: fc.array(fc.tuple(fc.nat(JOBS.length - 1), actionOf as fc.Arbitrary<Action>), { maxLength: 8 }),
  }),
  { minLength: 1, maxLength: 25 },
);

/** What the walk knows: who is live, who waits, what has been claimed. */
class Walk {
  now = ARMED_AT;
  readonly live = new Map<JobName, Grant>();
  readonly fences = new Map<JobName, number>();
  readonly due = new Map<JobName, number>(JOBS.map((job) => [job.name, ARMED_AT]));
  triggers = 0;

  turn(actions: readonly (readonly [number, Action])[], queued: ReadonlyMap<JobName, readonly string[]>): Turn {
    const ends: EndWrite[] = [];
    const checkpoints: CheckpointWrite[] = [];
    const promotions: Job[] = [];
    const claims: Claim[] = [];
    for (const [index, action] of actions) {
      const job = JOBS[index] as Job;
      const grant = this.live.get(job.name) ?? { job: job.name, runId: 'none', fence: 1 };
      const fence = grant.fence - (action.stale === true ? 1 : 0);
      const context = makeContext(this.now, {
        draining: action.draining === true && this.now % 7_000 === 0,
        waitingForPlace: action.waiting === true,
        liveSince: action.down === true ? this.now : 0,
        exclusiveHeld: action.waiting === true,
      });
      if (action.kind === 'end')
        ends.push(endOf({ ...grant, fence }, this.now, { outcome: action.outcome ?? 'lost', checkpoint: action.checkpoint }));
      if (action.kind === 'withdraw')
        ends.push(
          endOf({ job: job.name, runId: queued.get(job.name)?.at(-1) ?? 'none', fence: undefined }, this.now, {
            outcome: 'cancelled',
          }),
        );
      if (action.kind === 'save')
        checkpoints.push({ job: job.name, runId: grant.runId, fence, steps: action.steps ?? 0, checkpoint: `${this.now}` });
      if (action.kind === 'promote') promotions.push(job);
      if (action.kind === 'trigger')
        claims.push({
          kind: 'trigger',
          job,
          runId: `t${this.now}-${this.triggers++}`,
          at: this.now,
          by: 'walk',
          input: action.input,
          idempotency:
            action.key === undefined
              ? undefined
              : { key: action.key, fingerprint: action.input ?? '', until: this.now + 3 * EVERY_MS },
          context,
        });
      if (action.kind === 'ticks') {
        const dueTicks: number[] = [];
        for (let tick = (this.due.get(job.name) ?? 0) + EVERY_MS; tick <= this.now; tick += EVERY_MS) dueTicks.push(tick);
        this.due.set(job.name, this.now);
        claims.push({ kind: 'ticks', job, dueTicks, context });
      }
    }
    return turnOf(this.now, { ends, checkpoints, promotions, claims });
  }

  /** Takes note of what became of a turn, and judges it. */
  learn(turn: Turn, result: TurnResult): void {
    result.ended.forEach((ended, index) => {
      const end = turn.ends[index] as EndWrite;
      if (ended && end.fence !== undefined) this.live.delete(end.job);
    });
    for (const grant of result.grants) {
      assert(!this.live.has(grant.job), `two live runs of ${grant.job}`);
      assert.equal(grant.fence, (this.fences.get(grant.job) ?? 0) + 1);
      this.live.set(grant.job, grant);
      this.fences.set(grant.job, grant.fence);
    }
    const held = [...this.live.keys()].flatMap((name) => JOBS.find((job) => job.name === name)?.exclusive ?? []);
    assert.equal(new Set(held).size, held.length, `a resource with two holders: ${held.join()}`);
  }
}

/** Every happening is told, word by word. */
function messages(happening: Happening): readonly MessageDraft[] {
  const job = happening.kind === 'ended' ? happening.end.job : happening.job;
  return [{ job, event: 'missed', target: 'hook', body: JSON.stringify(happening) }];
}

/** What is written outside of turns. */
async function besides(store: Store, job: Job, action: Action, { now }: Walk): Promise<void> {
  if (action.kind === 'lines') {
    const [run] = await store.runs({ job: job.name, limit: 1 });
    const from = (action.steps ?? 0) + 1;
    await store.appendLog([{ runId: run?.id ?? 'none', lines: linesOf(from, from + 3), drop: { from: 4, to: 5 } }]);
  }
  if (action.kind === 'deliver') {
    const [message] = await store.dueMessages(now, 1);
    await store.settleMessage(message?.id ?? 0, action.stale === true ? { kind: 'retry', at: now + EVERY_MS } : { kind: 'sent' });
  }
}

async function readAll(store: Store): Promise<unknown> {
  return {
    slots: await store.slots(),
    live: await store.liveRuns(),
    messages: await store.dueMessages(Number.MAX_SAFE_INTEGER, 1_000),
    next: await store.nextMessageAt(),
    runs: await store.runs({ limit: 1_000 }),
    lines: await Promise.all((await store.runs({ limit: 1_000 })).map(({ id }) => store.log({ runId: id, limit: 99 }))),
    found: await store.findRuns('-0'),
    tallies: (await store.tallies()).map(({ job, ticks, runs }) => [
      job,
      [...ticks, ...runs].map((row) => JSON.stringify(row)).sort(),
    ]),
    jobs: await Promise.all(
      JOBS.map(async ({ name }) => ({
        runs: await store.runs({ job: name, limit: 1_000 }),
        page: await store.runs({ job: name, limit: 3, state: 'succeeded' }),
        ticks: await store.ticks({ job: name, limit: 1_000 }),
        checkpoint: await store.checkpoint(name),
      })),
    ),
  };
}

it(
  'answers alike in memory and in SQLite, never grants twice, and gives every due tick one row',
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(walkOf, async (steps) => {
        using folder = tempFolder();
        await using memory = createMemoryStore({ node: NODE, messages });
        await using sqlite = await openSqliteStore({
          path: folder.file('ledger.db'),
          node: NODE,
          synchronous: 'normal',
          messages,
        });
        const walk = new Walk();
        expect(await sqlite.arm(JOBS, ARMED_AT)).toEqual(await memory.arm(JOBS, ARMED_AT));
        for (const { elapsedTicks, actions } of steps) {
          walk.now += elapsedTicks * EVERY_MS;
          for (const [index, action] of actions) {
            const job = JOBS[index] as Job;
            if (action.kind === 'pause')
              for (const store of [memory, sqlite]) await store.setPaused(job.name, action.paused === true);
            for (const store of [memory, sqlite]) await besides(store, job, action, walk);
            if (action.kind === 'arm') expect(await sqlite.arm([job], walk.now)).toEqual(await memory.arm([job], walk.now));
          }
          const slots = await memory.slots();
          const turn = walk.turn(actions, new Map(slots.map((slot) => [slot.job, slot.queued.map((run) => run.runId)])));
          const result = memory.commit(turn) as TurnResult;
          expect(sqlite.commit(turn)).toEqual(result);
          walk.learn(turn, result);
        }
        expect(await readAll(sqlite)).toEqual(await readAll(memory));
        for (const { name } of JOBS) {
          const ticks = (await sqlite.ticks({ job: name, limit: 1_000 })).map((row) => row.tick).reverse();
          const due = ((walk.due.get(name) ?? 0) - ARMED_AT) / EVERY_MS;
          expect(ticks).toEqual(Array.from({ length: due }, (_, index) => ARMED_AT + (index + 1) * EVERY_MS));
        }
      }),
      { numRuns: 100 },
    );
  },
);

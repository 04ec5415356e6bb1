/** Jobs, slots and circumstances as fast-check makes them. */
import fc from 'fast-check';
import type { GateContext } from '../../src/core/gate.ts';
import { type Job, JOB_DEFAULTS, MISSED_POLICIES, OVERLAP_POLICIES } from '../../src/core/job.ts';
import type { SlotView } from '../../src/core/slot.ts';

/** What the gate is asked. */
export interface Question {
  readonly job: Job;
  readonly dueTicks: readonly number[];
  readonly slot: SlotView;
  readonly context: GateContext;
}

export const NOW = 1_767_225_600_000;

/** A job with these fields. */
export function jobWith(fields: Partial<Job>): Job {
  return { ...JOB_DEFAULTS, name: 'job', task: { kind: 'function', target: undefined }, ...fields };
}

/** A free slot, or what the fields make of it. */
export function slotWith(fields: Partial<SlotView>): SlotView {
  return { decidedUntil: 0, paused: false, queued: [], ...fields };
}

/** A quiet node that has been up for ever. */
export function contextWith(fields: Partial<GateContext>): GateContext {
  return { now: NOW, liveSince: 0, draining: false, matched: true, waitingForPlace: false, exclusiveHeld: false, ...fields };
}

const job = fc
  .record({
    onOverlap: fc.constantFrom(...OVERLAP_POLICIES),
    onMissed: fc.constantFrom(...MISSED_POLICIES),
    missedWindowMs: fc.integer({ min: 0, max: 2_000 }),
    missedLimit: fc.integer({ min: 1, max: 5 }),
  })
  .map((fields) => jobWith(fields));

const instant = fc.integer({ min: NOW - 1_000, max: NOW });

/** A slot as policies leave it: catch-ups first, at most one run of another cause behind it. */
const slot = fc
  .record({
    decidedUntil: instant,
    live: fc.option(fc.constant({ runId: 'live-run' }), { nil: undefined, freq: 1 }),
    catchUps: fc.constantFrom(0, 0, 0, 1, 3),
    behind: fc.boolean(),
  })
  .map(({ decidedUntil, live, catchUps, behind }) =>
    slotWith({
      decidedUntil,
      live,
      queued: [
        ...Array.from({ length: catchUps }, (_, index) => ({ runId: `catch-up-${index}`, cause: 'catchup' as const })),
        ...(behind ? [{ runId: 'behind', cause: 'tick' as const }] : []),
      ],
    }),
  );

/** Any question that an engine may ask. A run waits for a place only if there is one. */
export const question: fc.Arbitrary<Question> = fc
  .record({
    job,
    dueTicks: fc.uniqueArray(instant, { maxLength: 12 }).map((ticks) => ticks.toSorted((one, other) => one - other)),
    slot,
    liveSince: instant,
    waiting: fc.boolean(),
    exclusiveHeld: fc.boolean(),
  })
  .map(({ waiting, liveSince, exclusiveHeld, ...rest }) => ({
    ...rest,
    context: contextWith({ liveSince, exclusiveHeld, waitingForPlace: waiting && rest.slot.live !== undefined }),
  }));

/**
 * The states of a run, in one transition table, and how a run that was asked to stop is judged.
 *
 * A run is `queued` until it starts, `running` until it is asked to stop, `stopping` until its end is proved,
 * `blocked` when the proof is late, and then one of the outcomes, for ever.
 */
import type { DurationMs } from './time.ts';

/** How a run ended; each has exactly one. */
export const RUN_OUTCOMES: readonly ['succeeded', 'unfinished', 'timedOut', 'killed', 'failed', 'cancelled', 'lost'] = [
  'succeeded',
  'unfinished',
  'timedOut',
  'killed',
  'failed',
  'cancelled',
  'lost',
] as const;
export type RunOutcome = (typeof RUN_OUTCOMES)[number];

/** The states before the end. */
export const LIVE_STATES: readonly ['queued', 'running', 'stopping', 'blocked'] = [
  'queued',
  'running',
  'stopping',
  'blocked',
] as const;
export type LiveState = (typeof LIVE_STATES)[number];

/** Where a run stands: live, or ended with an outcome. */
export type RunState = LiveState | RunOutcome;

/** The one table: which state may follow which. Outcomes are final. */
export const TRANSITIONS: Readonly<Record<RunState, readonly RunState[]>> = {
  queued: ['running', 'cancelled', 'lost'],
  running: ['stopping', 'blocked', 'succeeded', 'unfinished', 'failed', 'cancelled', 'lost'],
  stopping: ['blocked', 'unfinished', 'timedOut', 'killed', 'cancelled', 'lost'],
  blocked: ['succeeded', 'unfinished', 'timedOut', 'killed', 'failed', 'cancelled', 'lost'],
  succeeded: [],
  unfinished: [],
  timedOut: [],
  killed: [],
  failed: [],
  cancelled: [],
  lost: [],
};

/**
 * The one function that moves a run between states.
 *
 * @param from the state it is in
 * @param to the state it shall be in
 * @returns `to`
 * @throws Error when the table has no such step: a bug, not an operating error
 */
export function transition(from: RunState, to: RunState): RunState {
  const legal: readonly RunState[] = TRANSITIONS[from];
  if (!legal.includes(to)) throw new Error(`no run goes from ${from} to ${to}`);
  return to;
}

/** What led to a run. */
export const CAUSES: readonly ['tick', 'trigger', 'catchup'] = ['tick', 'trigger', 'catchup'] as const;
export type Cause = (typeof CAUSES)[number];

/** Why a run was asked to stop. The first reason wins and is never overwritten. */
export type StopReason =
  | { readonly kind: 'budget' }
  | { readonly kind: 'stepTimeout'; readonly limitMs: DurationMs }
  /** `by`: `overlap`, or the name of whoever asked. */
  | { readonly kind: 'cancel'; readonly by: string }
  | { readonly kind: 'shutdown' };

/**
 * One line for a person, and the `reason` field of the log.
 *
 * @param reason why the run was asked to stop
 * @returns e.g. `budget`, `cancelled by overlap`
 */
export function describeStop(reason: StopReason): string {
  switch (reason.kind) {
    case 'budget':
      return 'budget';
    case 'stepTimeout':
      return `step timeout of ${reason.limitMs} ms`;
    case 'cancel':
      return `cancelled by ${reason.by}`;
    case 'shutdown':
      return 'shutdown';
    default:
      return reason satisfies never;
  }
}

/** How the last step of a run came to its end. */
export type LastStep = 'done' | 'more' | 'threw' | 'forced';

/**
 * The outcome of a run (ADR 0001). Without a stop the last step decides. With one the reason decides, but for two cases:
 * a run that had to be stopped by force was `killed`, and one whose budget ran out while its last step still came back
 * in good order, with more to do, is `unfinished`, since it goes on from its checkpoint at the next tick.
 *
 * @param stop why it was asked to stop, or undefined
 * @param last how its last step ended; `more` with no stop means that it was wound down between steps
 * @returns the outcome
 */
export function judge(stop: StopReason | undefined, last: LastStep): Exclude<RunOutcome, 'lost'> {
  if (last === 'forced') return 'killed';
  if (stop === undefined) return last === 'done' ? 'succeeded' : last === 'more' ? 'unfinished' : 'failed';
  switch (stop.kind) {
    case 'budget':
      return last === 'more' ? 'unfinished' : 'timedOut';
    case 'stepTimeout':
      return 'timedOut';
    case 'cancel':
    case 'shutdown':
      return 'cancelled';
    default:
      return stop satisfies never;
  }
}

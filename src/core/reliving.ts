/**
 * Time that is lived again. A wall clock that was ahead and is set back shows instants a second time, and a job whose ticks are decided
 * until later than now would say nothing until then. So after a step back of more than a minute its ticks go on from now, and each
 * instant up to where they were decided, the horizon, is due again:
 *
 * - A step of less than three hours is taken for a clock that was put right, as cron does: what follows elapsed time (`every`, patterns with
 *   a wildcard in their time of day) falls due again; fixed times that were decided do not. It is the rule of a repeated hour.
 * - A longer one is a correction: the old instants never were, and everything falls due by the new time.
 *
 * `(job, tick)` stays an identity that is decided once. The tick of an instant t is t plus one millisecond for each horizon at or after t:
 * the second time an instant is lived its tick lies 1 ms later, the third time 2 ms. Horizons are never taken back, so no number is given
 * twice. A tick that would come out at, or behind, a neighbour within these milliseconds is none.
 *
 * Who is the authority: the slot's row. It holds `decidedUntil` and the horizons, and both change in the transaction that decides the first
 * tick of the new life. Until then nothing has changed: a daemon that dies before it finds the slot ahead of the clock and does the same.
 */
import type { JobName } from './job.ts';
import type { Calendar } from './ports.ts';
import { followsElapsedTime, type Schedule } from './schedule.ts';
import type { DurationMs, Instant } from './time.ts';

/** Where a life of a job ended that was taken back. */
export interface Horizon {
  /** Its ticks were decided until here. */
  readonly until: Instant;
  /** Set back by so much that even fixed times fall due again. */
  readonly correction: boolean;
}

/** A life of a job is taken back: its ticks go on from an earlier instant. */
export interface Rewind {
  readonly to: Instant;
  readonly horizon: Horizon;
}

/** A slot that is decided less than this ahead of the clock is waited for. */
const WAITED_OUT_MS: DurationMs = 60_000;
/** From here on a step back is a correction; the bound is that of Vixie cron. */
const CORRECTION_MS: DurationMs = 3 * 3_600_000;
/** Each costs a millisecond of the distance between two ticks. Beyond, only what is newer is lived again. */
const MOST_HORIZONS = 200;

/**
 * Whether a slot is so far ahead of the clock that its job must not wait for it.
 *
 * @param decidedUntil of the slot
 * @param horizons of the slot, oldest first
 * @param now the wall clock
 * @returns from where its ticks go on; `undefined`: from `decidedUntil`, as always
 */
export function planRewind(decidedUntil: Instant, horizons: readonly Horizon[], now: Instant): Rewind | undefined {
  const to = Math.max(now, floorOf(horizons));
  if (decidedUntil - to <= WAITED_OUT_MS) return undefined;
  return { to, horizon: { until: decidedUntil, correction: decidedUntil - to >= CORRECTION_MS } };
}

/**
 * The first tick after another, in time that may be lived again. Equal to the calendar's own answer behind the last horizon.
 *
 * @param calendar gives the instants
 * @param schedules of the job
 * @param job its name
 * @param horizons oldest first
 * @param after a tick, or an instant; exclusive
 * @returns the tick: its instant, plus a millisecond for each horizon at or after it; `undefined` when there is none
 */
export function nextTick(
  calendar: Pick<Calendar, 'next'>,
  schedules: readonly Schedule[],
  job: JobName,
  horizons: readonly Horizon[],
  after: Instant,
): Instant | undefined {
  if (horizons.length === 0) return calendar.next(schedules, job, after);
  let best: Instant | undefined;
  let from = -Infinity;
  for (const end of [...new Set(horizons.map(({ until }) => until)).add(Infinity)].sort((a, b) => a - b)) {
    if (best !== undefined && from >= best) break;
    const covering = horizons.filter(({ until }) => until >= end);
    const begin = Math.max(from, after - covering.length);
    from = end;
    if (begin >= end) continue;
    const due = covering.at(-1)?.correction === false ? schedules.filter(followsElapsedTime) : schedules;
    const tick = firstIn(calendar, schedules, due, job, begin, end, covering.length, after);
    if (tick !== undefined && (best === undefined || tick < best)) best = tick;
  }
  return best;
}

/** The first tick of instants in begin … end, all of them lived equally often. */
function firstIn(
  calendar: Pick<Calendar, 'next'>,
  schedules: readonly Schedule[],
  due: readonly Schedule[],
  job: JobName,
  begin: Instant,
  end: Instant,
  shift: number,
  after: Instant,
): Instant | undefined {
  let instant = calendar.next(due, job, begin);
  while (instant !== undefined && instant <= end) {
    const tick = instant + shift;
    const neighbour = shift === 0 ? undefined : calendar.next(schedules, job, instant);
    const isTaken = neighbour !== undefined && neighbour <= tick;
    if (tick > after && !isTaken) return tick;
    instant = calendar.next(due, job, instant);
  }
  return undefined;
}

/** Behind this, instants have been lived too often to tell their ticks apart. */
function floorOf(horizons: readonly Horizon[]): Instant {
  if (horizons.length < MOST_HORIZONS) return -Infinity;
  return horizons.map(({ until }) => until).sort((a, b) => b - a)[MOST_HORIZONS - 1] as Instant;
}

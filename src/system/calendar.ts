/** When schedules fall due. */
import type { JobName } from '../core/job.ts';
import type { Calendar } from '../core/ports.ts';
import type { Schedule } from '../core/schedule.ts';
import { hashOf } from '../core/tick.ts';
import type { Instant } from '../core/time.ts';
import { createFaults } from './calendar-fault.ts';
import { createGaps, type NextBase } from './calendar-gap.ts';
import { createCronTicks, type CronTicks } from './cron-pattern.ts';

/** Ticks farther away than this are none: a hundred years. */
export const HORIZON_MS: number = 100 * 365.25 * 86_400_000;

/** A base tick is looked at once for each question; more than these within one jitter are not looked for. */
const JITTER_STEPS_LIMIT = 100_000;

/**
 * The calendar. Its answers follow from the arguments alone, so every node agrees on every tick; what it keeps is a cache.
 * Sound schedules only: ask `fault` first.
 *
 * @returns a calendar; share one, since equal patterns share their answers
 */
export function createCalendar(): Calendar {
  const ticks = createCronTicks();
  const nextBase = (schedule: Schedule, after: Instant): number => baseAfter(ticks, schedule, after);
  const shortestGap = createGaps(nextBase);
  return {
    next(schedules, job, after) {
      let earliest = Infinity;
      for (const schedule of schedules) {
        const tick = (schedule.jitterMs ?? 0) > 0 ? jitteredAfter(nextBase, schedule, job, after) : nextBase(schedule, after);
        if (tick < earliest) earliest = tick;
      }
      return earliest - after <= HORIZON_MS ? earliest : undefined;
    },
    shortestGap,
    fault: createFaults(nextBase, shortestGap),
  };
}

/** The first tick after `after` and within the schedule's window, jitter left out. */
function baseAfter(ticks: CronTicks, schedule: Schedule, after: Instant): number {
  const { startAt, stopAt } = schedule;
  const from = startAt !== undefined && startAt > after ? startAt - 1 : after;
  const tick = rawAfter(ticks, schedule, from);
  return stopAt !== undefined && tick >= stopAt ? Infinity : tick;
}

function rawAfter(ticks: CronTicks, schedule: Schedule, after: Instant): number {
  switch (schedule.kind) {
    case 'cron':
      return ticks.next(schedule.pattern, schedule.timezone, after);
    case 'every':
      return (Math.floor(after / schedule.everyMs) + 1) * schedule.everyMs;
    case 'at':
      return schedule.at > after ? schedule.at : Infinity;
    default:
      return schedule satisfies never;
  }
}

/**
 * The smallest moved tick after `after`. Base ticks up to one jitter before it may still be moved behind it, and a later base
 * may be moved less than an earlier one, so every base is looked at until one lies beyond the best found.
 * `startAt` holds for the base, `stopAt` for the moved tick as well.
 */
function jitteredAfter(nextBase: NextBase, schedule: Schedule, job: JobName, after: Instant): number {
  const jitterMs = schedule.jitterMs ?? 0;
  let best = Infinity;
  let base = nextBase(schedule, after - jitterMs);
  for (let steps = 0; base < best && steps < JITTER_STEPS_LIMIT; steps++) {
    const moved = base + shiftOf(job, base, jitterMs);
    if (moved > after && moved < best) best = moved;
    base = nextBase(schedule, base);
  }
  return schedule.stopAt !== undefined && best >= schedule.stopAt ? Infinity : best;
}

/** 53 bits of the hash of (job, tick), so that long jitters are as even as short ones. */
function shiftOf(job: JobName, base: Instant, jitterMs: number): number {
  const { high, low } = hashOf(`${job}@${base}`);
  return (high * 2 ** 21 + (low >>> 11)) % jitterMs;
}

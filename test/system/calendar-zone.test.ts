import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { firstTick, type NextLocal } from '../../src/system/cron-zone.ts';
import { createZoneClocks, type Step, type ZoneClocks } from '../../src/system/time-zone.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NEW_YEAR = Date.UTC(2026, 0, 1);

describe('ticks where clocks step', () => {
  test('are those of a clock that is read minute by minute, however often and far it is put forward and back', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -48, max: 56 }).map((quarters) => quarters * 15 * MINUTE),
        fc.array(
          fc.tuple(
            fc.oneof(fc.integer({ min: 1, max: 90 }), fc.integer({ min: 1, max: 3_000 })),
            fc.integer({ min: -92, max: 92 }),
          ),
          { maxLength: 3 },
        ),
        fc.uniqueArray(fc.integer({ min: 0, max: 1_439 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 3 }),
        fc.boolean(),
        fc.array(fc.integer({ min: 0, max: 10 * 1_440 }), { minLength: 8, maxLength: 8 }),
        (...[start, jumps, times, everyDays, fixed, instants]) => {
          const steps = stepsOf(start, jumps);
          const clocks = clocksOf(start, steps);
          const isMatch = (local: number): boolean =>
            Math.floor(local / DAY) % everyDays === 0 && times.includes((local - Math.floor(local / DAY) * DAY) / MINUTE);
          const nextLocal: NextLocal = (after) => {
            let local = (Math.floor(after / MINUTE) + 1) * MINUTE;
            while (!isMatch(local)) local += MINUTE;
            return local;
          };
          const due = walk(clocks, fixed, isMatch);
          for (const minutes of instants) {
            const after = NEW_YEAR + minutes * MINUTE - (minutes % 2);
            expect(firstTick(nextLocal, clocks, 'any', fixed, after)).toBe(due.find((tick) => tick > after));
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test('come to an end where each of them lies in a gap', () => {
    // Put forward by an hour each midnight, and back each noon.
    const isMorning = (at: number): boolean => Math.floor(at / (DAY / 2)) % 2 === 0;
    const clocks: ZoneClocks = {
      offsetAt: (_, at) => (isMorning(at) ? HOUR : 0),
      stepBetween: (_, after, until) => {
        const at = (Math.floor(after / (DAY / 2)) + 1) * (DAY / 2);
        if (at > until) return undefined;
        return isMorning(at) ? { at, before: 0, after: HOUR } : { at, before: HOUR, after: 0 };
      },
    };
    const halfPast: NextLocal = (after) => Math.floor((after - 30 * MINUTE) / DAY + 1) * DAY + 30 * MINUTE;
    expect(firstTick(halfPast, clocks, 'any', false, NEW_YEAR)).toBe(Infinity);
    expect(firstTick(halfPast, clocks, 'any', true, NEW_YEAR)).toBe(NEW_YEAR + DAY);
  });
});

describe('clocks of zones', () => {
  test('are ahead of UTC by what Intl says, before and after each step', () => {
    const clocks = createZoneClocks();
    const berlin = clocks.stepBetween('Europe/Berlin', NEW_YEAR, NEW_YEAR + 365 * DAY);
    expect(berlin).toEqual({ at: Date.parse('2026-03-29T01:00Z'), before: HOUR, after: 2 * HOUR });
    expect(clocks.offsetAt('Europe/Berlin', Date.parse('2026-03-29T00:59:59.999Z'))).toBe(HOUR);
    expect(clocks.offsetAt('Europe/Berlin', Date.parse('2026-03-29T01:00Z'))).toBe(2 * HOUR);
    expect(clocks.offsetAt('America/St_Johns', NEW_YEAR)).toBe(-3.5 * HOUR);
    expect(clocks.offsetAt('Africa/Monrovia', 0)).toBe(-(44 * MINUTE + 30_000));
  });

  test('step after `after`, and not after `until`', () => {
    const clocks = createZoneClocks();
    const at = Date.parse('2026-10-25T01:00Z');
    const isStep = (after: number, until: number): boolean => clocks.stepBetween('Europe/Berlin', after, until) !== undefined;
    expect([isStep(at - 1, at), isStep(at, at + DAY), isStep(at - DAY, at - 1)]).toEqual([true, false, false]);
  });

  test('show each step of a hundred years once', () => {
    const clocks = createZoneClocks();
    const found: string[] = [];
    let step = clocks.stepBetween('Europe/Berlin', Date.UTC(2000, 0, 1), Date.UTC(2100, 0, 1));
    for (; step !== undefined; step = clocks.stepBetween('Europe/Berlin', step.at, Date.UTC(2100, 0, 1)))
      found.push(new Date(step.at).toISOString().slice(0, 7));
    expect(found).toEqual(Array.from({ length: 100 }, (_, index) => [`${2000 + index}-03`, `${2000 + index}-10`]).flat());
  });
});

function stepsOf(start: number, jumps: readonly (readonly [number, number])[]): Step[] {
  const steps: Step[] = [];
  let [at, before] = [NEW_YEAR + 2 * DAY, start];
  for (const [minutes, quarters] of jumps) {
    at += minutes * MINUTE;
    const after = before + quarters * 15 * MINUTE;
    steps.push({ at, before, after });
    before = after;
  }
  return steps;
}

function clocksOf(start: number, steps: readonly Step[]): ZoneClocks {
  return {
    offsetAt: (_, at) => steps.findLast((step) => step.at <= at)?.after ?? start,
    stepBetween: (_, after, until) => steps.find((step) => step.at > after && step.at <= until),
  };
}

/** DESIGN section 6, minute by minute, for twenty days. */
function walk(clocks: ZoneClocks, fixed: boolean, isMatch: (local: number) => boolean): number[] {
  const found: number[] = [];
  let highest = -Infinity;
  for (let at = NEW_YEAR - DAY; at < NEW_YEAR + 20 * DAY; at += MINUTE) {
    const local = at + clocks.offsetAt('any', at);
    let due = !fixed && isMatch(local);
    const first = highest === -Infinity ? local : highest + MINUTE;
    for (let reached = first; fixed && reached <= local; reached += MINUTE) due ||= isMatch(reached);
    if (due) found.push(at);
    highest = Math.max(highest, local);
  }
  return found;
}

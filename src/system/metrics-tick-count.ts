/** Counts the ticks of ranges in the background, a few at a time, so that a downtime of years costs no run its punctuality. */
import { countTicks, type TickRange } from '../core/tick-range.ts';
import type { RangeRecord } from '../core/ledger.ts';
import type { Calendar, Clock, Timer } from '../core/ports.ts';

/** A range, with the schedules by which it has ticks. */
export type CountedRange = TickRange & Pick<RangeRecord, 'job' | 'schedules' | 'horizons'>;

interface Order {
  readonly range: CountedRange;
  readonly done: (count: number) => void;
}

/** The calendar gives 20,000 ticks of a pattern a second, so this is 2 ms of work. */
const TICKS_A_SLICE = 40;
const PAUSE_MS = 10;
/** Half a second of work. What a range holds beyond is reckoned from these. */
const MOST_COUNTED = 10_000;
/** One for each job of a large configuration; those beyond are reckoned from one slice. */
const MOST_WAITING = 20_000;

/** See the head of this file. */
export class TickCount implements Disposable {
  readonly #clock: Clock;
  readonly #calendar: Pick<Calendar, 'next'>;
  readonly #waiting: Order[] = [];
  #timer: Timer | undefined;

  constructor(clock: Clock, calendar: Pick<Calendar, 'next'>) {
    this.#clock = clock;
    this.#calendar = calendar;
  }

  /**
   * @param range is counted after those that were asked for before
   * @param done called once with the number of its ticks, never after the disposal. Exact up to 10,000; what lies beyond is taken to be as
   *   dense as the first 10,000
   */
  count(range: CountedRange, done: (count: number) => void): void {
    if (this.#waiting.length >= MOST_WAITING) {
      const { count, countedTo } = countTicks(this.#calendar, range, TICKS_A_SLICE);
      done(reckon(range, count, countedTo ?? range.to));
      return;
    }
    this.#waiting.push({ range, done });
    if (this.#waiting.length === 1) this.#goOn(0, undefined);
  }

  [Symbol.dispose](): void {
    this.#waiting.length = 0;
    this.#timer?.cancel();
  }

  #goOn(counted: number, from: number | undefined): void {
    this.#timer = this.#clock.setTimer(this.#clock.monotonic() + PAUSE_MS, () => this.#countSlice(counted, from));
  }

  #countSlice(counted: number, from: number | undefined): void {
    const order = this.#waiting[0];
    if (order === undefined) return;
    const { count, countedTo } = countTicks(this.#calendar, order.range, TICKS_A_SLICE, from);
    const total = counted + count;
    if (countedTo !== undefined && total < MOST_COUNTED) {
      this.#goOn(total, countedTo);
      return;
    }
    this.#waiting.shift();
    order.done(reckon(order.range, total, countedTo ?? order.range.to));
    if (this.#waiting.length > 0) this.#goOn(0, undefined);
  }
}

function reckon({ from, to }: TickRange, count: number, countedTo: number): number {
  return countedTo <= from ? count : count + Math.round((count * (to - countedTo)) / (countedTo - from));
}

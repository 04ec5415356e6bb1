/**
 * Every due tick has a row. The ledger keeps by which schedules ticks fell due, and since when (`definitions`); the calendar says which
 * ticks those were; and the rows, read once in order of time, are compared with them. A tick in a range needs no row, and has none. Held in
 * memory: for each job one place in its schedule, and its ranges, one for each long downtime. What cannot be known is left out: ticks before
 * a job's first definition, between a reload and the first tick after it, and what was pruned.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Calendar } from '../core/ports.ts';
import type { Schedule } from '../core/schedule.ts';
import type { TickRange } from '../core/tick-range.ts';
import type { Instant } from '../core/time.ts';
import { type Findings, instantText } from './finding.ts';
import type { SlotFacts } from './verify-slots.ts';

interface Definition {
  readonly since: Instant;
  /** Inclusive. */
  readonly until: Instant;
  readonly schedules: readonly Schedule[];
}

/** After so many a job is wrong all over, and its other ticks are not looked for. */
const MOST_MISSING = 1_000;

/**
 * @param db inside the read transaction
 * @param slots all of them
 * @param ranges of each job, oldest first; ticks in them need no row, and have none
 * @param calendar gives the ticks of schedules
 * @param findings told of each tick that has no row, or no schedule, or two rows
 * @returns the number of ticks in the ledger
 */
export function verifyCoverage(
  db: DatabaseSync,
  slots: ReadonlyMap<number, SlotFacts>,
  ranges: ReadonlyMap<number, readonly TickRange[]>,
  calendar: Pick<Calendar, 'next'>,
  findings: Findings,
): number {
  const definitions = readDefinitions(db, slots);
  const jobs = new Map<number, JobTicks>();
  for (const slot of slots.values())
    jobs.set(slot.id, new JobTicks(slot, definitions.get(slot.id) ?? [], ranges.get(slot.id) ?? [], calendar, findings));
  const statement = db.prepare('select tick, job from ticks order by tick, job');
  statement.setReturnArrays(true);
  let count = 0;
  for (const [tick, job] of statement.iterate() as Iterable<unknown> as Iterable<[Instant, number]>) {
    count++;
    jobs.get(job)?.see(tick);
  }
  for (const job of jobs.values()) job.finish();
  return count;
}

function readDefinitions(db: DatabaseSync, slots: ReadonlyMap<number, SlotFacts>): Map<number, Definition[]> {
  const byJob = new Map<number, Definition[]>();
  const parsed = new Map<string, readonly Schedule[]>();
  const rows = db.prepare('select job, since, until, schedules from definitions order by job, since').iterate();
  for (const row of rows as Iterable<unknown> as Iterable<{
    job: number;
    since: Instant;
    until: Instant | null;
    schedules: string;
  }>) {
    let schedules = parsed.get(row.schedules);
    if (schedules === undefined) parsed.set(row.schedules, (schedules = JSON.parse(row.schedules) as Schedule[]));
    const until = row.until ?? slots.get(row.job)?.decidedUntil ?? row.since;
    const definition: Definition = { since: row.since, until, schedules };
    const known = byJob.get(row.job);
    if (known === undefined) byJob.set(row.job, [definition]);
    else known.push(definition);
  }
  return byJob;
}

/** A job's place in its schedule. */
class JobTicks {
  readonly #slot: SlotFacts;
  readonly #definitions: readonly Definition[];
  readonly #ranges: readonly TickRange[];
  readonly #calendar: Pick<Calendar, 'next'>;
  readonly #findings: Findings;
  #range = 0;
  #seenRange = 0;
  #index = -1;
  #next: Instant | undefined;
  #last: Instant | undefined;
  #missing = 0;

  constructor(
    slot: SlotFacts,
    definitions: readonly Definition[],
    ranges: readonly TickRange[],
    calendar: Pick<Calendar, 'next'>,
    findings: Findings,
  ) {
    this.#slot = slot;
    this.#definitions = definitions;
    this.#ranges = ranges;
    this.#calendar = calendar;
    this.#findings = findings;
    this.#open();
  }

  /** A row, newer than those before it. */
  see(tick: Instant): void {
    const { name, keptSince } = this.#slot;
    if (tick === this.#last) this.#findings.add('tick', name, `tick ${instantText(tick)} has two outcomes`, { tick });
    if (tick <= keptSince || tick === this.#last) return;
    this.#last = tick;
    if (this.#isInRange(tick)) {
      this.#findings.add('tick', name, `tick ${instantText(tick)} has an outcome of its own, and one in a range`, { tick });
      return;
    }
    let definition = this.#definitions[this.#index];
    while (definition !== undefined && tick > definition.until) {
      this.#passTo(definition.until + 1);
      this.#open();
      definition = this.#definitions[this.#index];
    }
    if (definition === undefined || tick <= definition.since || this.#missing >= MOST_MISSING) return;
    this.#passTo(tick);
    if (this.#next === tick) this.#next = this.#after(tick);
    else if (this.#missing < MOST_MISSING)
      this.#findings.add('unscheduled', name, `tick ${instantText(tick)} has an outcome, and no schedule of the job gives it`, {
        tick,
      });
  }

  #isInRange(tick: Instant): boolean {
    while ((this.#ranges[this.#seenRange]?.to ?? Infinity) < tick) this.#seenRange++;
    return (this.#ranges[this.#seenRange]?.from ?? Infinity) < tick;
  }

  /** There are no more rows. */
  finish(): void {
    for (let definition = this.#definitions[this.#index]; definition !== undefined; definition = this.#definitions[this.#index]) {
      this.#passTo(definition.until + 1);
      this.#open();
    }
  }

  #open(): void {
    this.#index++;
    const definition = this.#definitions[this.#index];
    this.#next = definition === undefined ? undefined : this.#after(Math.max(definition.since, this.#slot.keptSince));
  }

  #passTo(tick: Instant): void {
    while (this.#next !== undefined && this.#next < tick && this.#missing < MOST_MISSING) {
      this.#missing++;
      const at = this.#next;
      this.#findings.add('unaccounted', this.#slot.name, `tick ${instantText(at)} was due, and has no outcome`, { tick: at });
      this.#next = this.#after(at);
    }
  }

  /** The first tick after an instant that needs a row. */
  #after(instant: Instant): Instant | undefined {
    const { schedules } = this.#definitions[this.#index] ?? { schedules: [] };
    let next = this.#calendar.next(schedules, this.#slot.name, instant);
    for (let range = this.#ranges[this.#range]; range !== undefined && next !== undefined; range = this.#ranges[this.#range]) {
      if (next <= range.from) break;
      // What comes later lies behind this range, too: ticks and ranges are both looked at in order of time.
      if (next <= range.to) next = this.#calendar.next(schedules, this.#slot.name, range.to);
      this.#range++;
    }
    return next;
  }
}

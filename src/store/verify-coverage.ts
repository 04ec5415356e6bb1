/**
 * Every due tick has a row. The ledger keeps by which schedules ticks fell due, and since when (`definitions`); the calendar says which
 * ticks those were; and the rows, read once in order of time, are compared with them. A tick in a range needs no row, and has none. Held in
 * memory: for each job one place in its schedule, and its ranges, one for each long downtime. What cannot be known is left out: ticks before
 * a job's first definition, between a reload and the first tick after it, and what was pruned.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Calendar } from '../core/ports.ts';
import { nextTick } from '../core/reliving.ts';
import type { Schedule } from '../core/schedule.ts';
import type { TickRange } from '../core/tick-range.ts';
import type { Instant } from '../core/time.ts';
import { type Findings, instantText } from './finding.ts';
import { lifeOf } from './verify-ranges.ts';
import type { Life, SlotFacts } from './verify-slots.ts';

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
 * @param ranges by life, oldest first; ticks in them need no row, and have none
 * @param calendar gives the ticks of schedules
 * @param findings told of each tick that has no row, or no schedule, or two rows
 * @returns the number of ticks in the ledger
 */
export function verifyCoverage(
  db: DatabaseSync,
  slots: ReadonlyMap<number, SlotFacts>,
  ranges: ReadonlyMap<string, readonly TickRange[]>,
  calendar: Pick<Calendar, 'next'>,
  findings: Findings,
): number {
  const definitions = readDefinitions(db, slots);
  const jobs = new Map<number, JobTicks>();
  for (const slot of slots.values()) {
    const lives = slot.lives.map((life) => {
      const key = lifeOf(slot.id, life.number);
      return new LifeTicks(slot, life, definitions.get(key) ?? [], ranges.get(key) ?? [], calendar, findings);
    });
    jobs.set(slot.id, new JobTicks(slot, lives, findings));
  }
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

function readDefinitions(db: DatabaseSync, slots: ReadonlyMap<number, SlotFacts>): Map<string, Definition[]> {
  const byLife = new Map<string, Definition[]>();
  const parsed = new Map<string, readonly Schedule[]>();
  const rows = db.prepare('select job, life, since, until, schedules from definitions order by job, life, since').iterate();
  for (const row of rows as Iterable<unknown> as Iterable<DefinitionRow>) {
    let schedules = parsed.get(row.schedules);
    if (schedules === undefined) parsed.set(row.schedules, (schedules = JSON.parse(row.schedules) as Schedule[]));
    const until = row.until ?? slots.get(row.job)?.decidedUntil ?? row.since;
    const key = lifeOf(row.job, row.life);
    byLife.set(key, [...(byLife.get(key) ?? []), { since: row.since, until, schedules }]);
  }
  return byLife;
}

interface DefinitionRow {
  readonly job: number;
  readonly life: number;
  readonly since: Instant;
  readonly until: Instant | null;
  readonly schedules: string;
}

/** The rows of a job. Each belongs to one life: where the clock was set back, lives overlap, and their ticks differ by milliseconds. */
class JobTicks {
  readonly #slot: SlotFacts;
  readonly #lives: readonly LifeTicks[];
  readonly #findings: Findings;
  #last: Instant | undefined;

  constructor(slot: SlotFacts, lives: readonly LifeTicks[], findings: Findings) {
    this.#slot = slot;
    this.#lives = lives;
    this.#findings = findings;
  }

  /** A row, newer than those before it. */
  see(tick: Instant): void {
    const { name, keptSince } = this.#slot;
    if (tick === this.#last) this.#findings.add('tick', name, `tick ${instantText(tick)} has two outcomes`, { tick });
    if (tick <= keptSince || tick === this.#last) return;
    this.#last = tick;
    const seen = this.#lives.map((life) => life.see(tick));
    if (seen.includes('due')) return;
    if (seen.includes('in a range'))
      this.#findings.add('tick', name, `tick ${instantText(tick)} has an outcome of its own, and one in a range`, { tick });
    else if (seen.includes('not due') && !seen.includes('unknown'))
      this.#findings.add('unscheduled', name, `tick ${instantText(tick)} has an outcome, and no schedule of the job gives it`, {
        tick,
      });
  }

  /** There are no more rows. */
  finish(): void {
    for (const life of this.#lives) life.finish();
  }
}

/** What a life of a job says of a tick; `elsewhere`: the life has ended before it, or begins behind it. */
type Standing = 'due' | 'not due' | 'in a range' | 'unknown' | 'elsewhere';

/** A job's place in its schedule, in one life. */
class LifeTicks {
  readonly #slot: SlotFacts;
  readonly #life: Life;
  readonly #definitions: readonly Definition[];
  readonly #ranges: readonly TickRange[];
  readonly #calendar: Pick<Calendar, 'next'>;
  readonly #findings: Findings;
  /** Ticks up to here may have been pruned. */
  readonly #keptSince: Instant;
  #range = 0;
  #seenRange = 0;
  #index = -1;
  #next: Instant | undefined;
  #missing = 0;

  constructor(
    slot: SlotFacts,
    life: Life,
    definitions: readonly Definition[],
    ranges: readonly TickRange[],
    calendar: Pick<Calendar, 'next'>,
    findings: Findings,
  ) {
    this.#slot = slot;
    this.#life = life;
    this.#definitions = definitions;
    this.#ranges = ranges;
    this.#calendar = calendar;
    this.#findings = findings;
    this.#keptSince = life.number === slot.lives.length - 1 ? slot.keptSince : slot.keptSinceOfAny;
    this.#open();
  }

  see(tick: Instant): Standing {
    if (tick <= this.#life.since || tick > this.#life.until) return 'elsewhere';
    const isInRange = this.#isInRange(tick);
    let definition = this.#definitions[this.#index];
    while (definition !== undefined && tick > definition.until) {
      this.#passTo(definition.until + 1);
      this.#open();
      definition = this.#definitions[this.#index];
    }
    if (definition === undefined || tick <= definition.since || tick <= this.#keptSince || this.#missing >= MOST_MISSING)
      return 'unknown';
    this.#passTo(tick);
    if (this.#next !== tick)
      return this.#missing >= MOST_MISSING ? 'unknown' : isInRange && this.#isTick(tick) ? 'in a range' : 'not due';
    this.#next = this.#after(tick);
    return 'due';
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
    this.#next = definition === undefined ? undefined : this.#after(Math.max(definition.since, this.#keptSince));
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
    while ((this.#ranges[this.#range]?.to ?? Infinity) <= instant) this.#range++;
    let next = this.#tickAfter(instant);
    // Not for good: the definition may end before these ranges, and the next one begins where it ends.
    for (let index = this.#range; next !== undefined; index++) {
      const range = this.#ranges[index];
      if (range === undefined || next <= range.from) break;
      if (next <= range.to) next = this.#tickAfter(range.to);
    }
    return next;
  }

  #isTick(tick: Instant): boolean {
    return this.#tickAfter(tick - 1) === tick;
  }

  #tickAfter(instant: Instant): Instant | undefined {
    const { schedules } = this.#definitions[this.#index] ?? { schedules: [] };
    return nextTick(this.#calendar, schedules, this.#slot.name, this.#life.horizons, instant);
  }
}

/** Every tick has one outcome, in agreement with its run; and every run that a tick led to has its tick. */
import type { DatabaseSync } from 'node:sqlite';
import { MISS_REASONS, SKIP_REASONS } from '../core/tick.ts';
import type { Instant } from '../core/time.ts';
import { type Findings, instantText } from './finding.ts';
import { instantOfRun, type SlotFacts } from './verify-slots.ts';

/** The same of the lives that were taken back when the clock was set back; see core/reliving. */
const OF_LIVES = (column: 'until' | 'kept_since', else_: 'decided_until' | 'kept_since'): string =>
  `ifnull((select max(w.${column}) from rewinds w where w.job = s.job), s.${else_})`;
/** SQLite picks out what is wrong; a sound ledger hands over no row. The lists are words of the program, not data. */
const WRONG_TICKS = `
  select t.tick, t.job, t.outcome, t.reason, t.run, r.id is not null as known
  from ticks t left join runs r on r.id = t.run left join slots s on s.job = t.job
  where s.job is null or (t.tick > s.decided_until and t.tick > ${OF_LIVES('until', 'decided_until')}) or not case t.outcome
    when 'ran' then t.reason is null and t.run is not null
      and case when r.id is null then t.tick <= s.kept_since or t.tick <= ${OF_LIVES('kept_since', 'kept_since')} else r.job = t.job and r.tick = t.tick and r.cause <> 'trigger' end
    when 'folded' then t.reason is null and t.run is not null and r.id is not null and r.job = t.job
    when 'skipped' then t.run is null and ${listOf('t.reason', SKIP_REASONS)}
    when 'missed' then t.run is null and ${listOf('t.reason', MISS_REASONS)}
    else false end`;
const WRONG_RUNS = `
  select r.id, r.job, r.tick, t.outcome, t.run
  from runs r join slots s on s.job = r.job left join ticks t on t.tick = r.tick and t.job = r.job
  where r.cause <> 'trigger' and r.tick > s.kept_since and r.tick > ${OF_LIVES('kept_since', 'kept_since')} and (t.run is not r.id or t.outcome <> 'ran')`;

interface WrongTick {
  readonly tick: Instant;
  readonly job: number;
  readonly outcome: string;
  readonly reason: string | null;
  readonly run: string | null;
  readonly known: number;
}

/**
 * @param db inside the read transaction
 * @param slots all of them
 * @param findings told of each tick and run that contradict each other
 */
export function verifyTicks(db: DatabaseSync, slots: ReadonlyMap<number, SlotFacts>, findings: Findings): void {
  for (const wrong of db.prepare(WRONG_TICKS).iterate() as Iterable<unknown> as Iterable<WrongTick>) {
    const slot = slots.get(wrong.job);
    if (isFoldedIntoPruned(wrong, slot)) continue;
    const { tick, run } = wrong;
    findings.add('tick', slot?.name ?? `#${wrong.job}`, `tick ${instantText(tick)} ${whyWrong(wrong, slot)}`, {
      tick,
      ...(run === null ? {} : { run }),
    });
  }
  const runs = db.prepare(WRONG_RUNS).iterate() as Iterable<unknown> as Iterable<{
    id: string;
    job: number;
    tick: Instant;
    run: string | null;
  }>;
  for (const { id, job, tick, run } of runs) {
    const name = slots.get(job)?.name ?? `#${job}`;
    const instead = run === null ? 'led to no run' : `led to run ${run}`;
    findings.add('run', name, `run ${id} is of tick ${instantText(tick)}, which ${instead} by the ledger`, { run: id, tick });
  }
}

/** A tick outlives the older run that it was folded into. */
function isFoldedIntoPruned({ outcome, reason, run, known, tick }: WrongTick, slot: SlotFacts | undefined): boolean {
  if (outcome !== 'folded' || reason !== null || run === null || known === 1 || slot === undefined) return false;
  return tick <= slot.furthest && instantOfRun(run) <= slot.keptSinceOfAny;
}

function whyWrong({ tick, outcome, reason, run, known }: WrongTick, slot: SlotFacts | undefined): string {
  if (slot === undefined) return 'is of a job that has no slot';
  if (tick > slot.furthest) return `has an outcome, and the slot is decided until ${instantText(slot.furthest)} only`;
  const said = `${outcome}${reason === null ? '' : ` (${reason})`}`;
  if (run === null) return `is "${said}"${outcome === 'ran' || outcome === 'folded' ? ' and names no run' : ''}`;
  return known === 1 ? `is "${said}", and run ${run} is not its run` : `is "${said}", and its run ${run} is not in the ledger`;
}

function listOf(column: string, words: readonly string[]): string {
  return `(${words.map((word) => `${column} is '${word}'`).join(' or ')})`;
}

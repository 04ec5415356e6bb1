/** Compares the ledger with what was seen, when everything has come to its end: promise 5 (accounted). */
import type { LedgerReader, RangeRecord } from '../core/ledger.ts';
import { TICK_OUTCOMES } from '../core/tick.ts';
import { nextTickOfLives } from './enumeration.ts';
import type { Facts } from './facts.ts';

/** More than any simulation writes. */
const ALL = 1_000_000;

/**
 * Judges what is kept of ticks and runs.
 *
 * @param facts what was seen
 * @param ledger at rest
 */
export async function judgeLedger(facts: Facts, ledger: LedgerReader): Promise<void> {
  for (const [name, of] of facts.jobs) {
    const rows = await ledger.ticks({ job: name, limit: ALL });
    const ranges = await ledger.ranges({ job: name, limit: ALL });
    for (const outcome of TICK_OUTCOMES) {
      let kept = rows.filter((row) => row.outcome === outcome).length;
      for (const range of ranges.filter((one) => one.outcome === outcome)) kept += countIn(range);
      if (kept !== of.ticks[outcome])
        facts.violate('accounted', `job ${name}: the ledger has ${kept} ticks ${outcome}; ${of.ticks[outcome]} were decided so`);
    }
    const runs = await ledger.runs({ job: name, limit: ALL });
    const open = runs.filter((run) => !of.ended.has(run.id) && !of.queued.has(run.id));
    if (open.length > 0 || runs.length !== of.ended.size + of.queued.size) {
      facts.violate(
        'accounted',
        `job ${name}: the ledger has ${runs.length} runs; ${of.ended.size} ended and ${of.queued.size} wait`,
      );
    }
  }
}

function countIn({ schedules, horizons = [], from, to }: RangeRecord): number {
  let count = 0;
  for (let at = nextTickOfLives(schedules, horizons, from); at <= to; at = nextTickOfLives(schedules, horizons, at)) count++;
  return count;
}

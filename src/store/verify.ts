/**
 * The proof of the promise from the ledger alone: what `tickwise verify` does. It reads everything there is in one read transaction, so it
 * sees one instant also beside a daemon that goes on writing, and holds a few numbers for each job and nothing for each row.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Calendar } from '../core/ports.ts';
import { connectReader } from './connection.ts';
import { storeFault } from './fault.ts';
import { type Finding, Findings } from './finding.ts';
import { findPlace } from './place.ts';
import { verifyCoverage } from './verify-coverage.ts';
import { verifyRanges } from './verify-ranges.ts';
import { verifyRuns } from './verify-runs.ts';
import { readSlots, verifyHoldings, verifyOpenRuns } from './verify-slots.ts';
import { verifyTicks } from './verify-ticks.ts';

/** What a ledger was found to hold. */
export interface Verification {
  readonly path: string;
  readonly jobs: number;
  /** Granted ones; those that wait are in `queued`. */
  readonly runs: number;
  /** Those that have rows of their own. */
  readonly ticks: number;
  readonly live: number;
  readonly queued: number;
  /** Runs that seem out of order only because the clock was set back, which is on record. */
  readonly clockSteps: number;
  /** How many rows break a promise; 0 is the proof. */
  readonly count: number;
  /** The first 200 of them. */
  readonly findings: readonly Finding[];
}

/**
 * Proves, or says why not: no two runs of a job intersect; fences grow and none is missing; every tick has one outcome that its run
 * agrees with; every due tick has one; open runs, resources and slots agree.
 *
 * @param path the file
 * @param calendar gives the ticks of the schedules that the ledger keeps
 * @returns what was found
 * @throws TickwiseError `STORE_UNUSABLE` when there is no ledger or it cannot be read
 */
export function verifyLedger(path: string, calendar: Pick<Calendar, 'next'>): Verification {
  const real = findPlace(path);
  try {
    using db = connectReader(real);
    db.exec('begin');
    return verify(db, real, calendar);
  } catch (thrown) {
    throw storeFault(thrown, 'cannot be read', real);
  }
}

function verify(db: DatabaseSync, path: string, calendar: Pick<Calendar, 'next'>): Verification {
  const findings = new Findings();
  const slots = readSlots(db);
  const open = verifyOpenRuns(db, slots, findings);
  verifyHoldings(db, slots, findings);
  const { granted, clockSteps } = verifyRuns(db, slots, findings);
  verifyTicks(db, slots, findings);
  const ticks = verifyCoverage(db, slots, verifyRanges(db, slots, findings), calendar, findings);
  return { path, jobs: slots.size, runs: granted, ticks, ...open, clockSteps, count: findings.count, findings: findings.kept };
}

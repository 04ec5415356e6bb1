/** What is wrong in a ledger, as `verify` finds it. */
import type { JobName } from '../core/job.ts';
import type { Instant } from '../core/time.ts';

/** Which promise a row breaks. */
export type FindingKind =
  /** Two runs of a job were live at once. */
  | 'overlap'
  /** A fence was given twice, or is none that the slot has granted. */
  | 'fence'
  /** A slot has granted runs that are neither in the ledger nor pruned. */
  | 'forgotten'
  /** A tick has no outcome, two, or one that its run contradicts. */
  | 'tick'
  /** A tick was due, and nothing says what became of it. */
  | 'unaccounted'
  /** There is a tick that no schedule of the job gives. */
  | 'unscheduled'
  /** A run and its tick, its slot, its node or its instants contradict each other. */
  | 'run'
  /** A resource is held by no live run, or a live run lacks one. */
  | 'resource'
  /** A slot says what its rows do not. */
  | 'slot';

/** A row that breaks a promise. */
export interface Finding {
  readonly kind: FindingKind;
  readonly job: JobName;
  readonly run?: string | undefined;
  readonly tick?: Instant | undefined;
  /** For people, on one line. */
  readonly what: string;
}

const MOST_KEPT = 200;

/** Collects findings; a ledger that is all wrong costs no more memory than one that is wrong in places. */
export class Findings {
  readonly kept: Finding[] = [];
  count = 0;

  add(kind: FindingKind, job: JobName, what: string, of: { readonly run?: string; readonly tick?: Instant } = {}): void {
    this.count++;
    if (this.kept.length < MOST_KEPT) this.kept.push({ kind, job, ...of, what });
  }
}

/** @returns an instant as people read it, or as it is when no calendar has it */
export function instantText(at: Instant): string {
  return Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : String(at);
}

/** Lines that runs write, as the ledger keeps them. */
import type { Instant } from './time.ts';

/** One line of a run's log. */
export interface LogLine {
  /** Counted from 1 within the run; a hole means that lines were left out for the cap. */
  readonly seq: number;
  readonly at: Instant;
  readonly attempt: number;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly source: 'task' | 'stdout' | 'stderr';
  /** Without its line break, capped. */
  readonly text: string;
  /** JSON text of an object. */
  readonly fields?: string;
}

/** Lines to be kept of one run. */
export interface LogWrite {
  readonly runId: string;
  /** Ascending by `seq`. */
  readonly lines: readonly LogLine[];
  /** Lines from the first to the second number, both included, shall be kept no more: the middle of a log that is too long. */
  readonly drop?: { readonly from: number; readonly to: number } | undefined;
}

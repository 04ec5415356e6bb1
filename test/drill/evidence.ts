/** What jobs wrote about themselves, brought to one clock. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One line. */
export interface Note {
  readonly event: 'start' | 'beat' | 'end' | 'taken';
  readonly job: string;
  readonly run: string;
  /** Absent for requests, which do not carry it. */
  readonly tick?: number;
  readonly fence: number;
  readonly attempt: number;
  readonly step: number;
  readonly pid: number;
  /** For walks: the number of the step among all that were ever made. */
  readonly n: number;
  /** Monotonic milliseconds. */
  readonly at: number;
  /** How far `at` may be off, either way. */
  readonly blurMs: number;
}

/** `/proc/uptime` speaks in hundredths, and its clock also counts while the machine sleeps. */
const UPTIME_BLUR_MS = 11;

/**
 * Reads the evidence of one job.
 *
 * @param dir the drill's folder
 * @param job its name
 * @param uptimeAheadMs by how much `/proc/uptime` is ahead of the monotonic clock
 * @returns its lines, by time; and those that could not be read
 */
export function readEvidence(dir: string, job: string, uptimeAheadMs: number): { notes: Note[]; broken: string[] } {
  const path = join(dir, 'evidence', `${job}.jsonl`);
  const notes: Note[] = [];
  const broken: string[] = [];
  for (const text of existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []) {
    if (text === '') continue;
    try {
      const raw = JSON.parse(text) as Note & { readonly uptime?: number };
      const isBlurred = raw.uptime !== undefined;
      notes.push({
        ...raw,
        at: isBlurred ? raw.uptime * 1_000 - uptimeAheadMs : raw.at,
        blurMs: isBlurred ? UPTIME_BLUR_MS : 0,
      });
    } catch {
      broken.push(text);
    }
  }
  return { notes: notes.toSorted((one, other) => one.at - other.at), broken };
}

/** By how much `/proc/uptime` is ahead of the monotonic clock, in milliseconds. */
export function measureUptimeAhead(monotonicMs: () => number): number {
  // Waits for the hundredth to change, so that its rounding is known.
  const read = (): number => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1_000;
  const first = read();
  let now = first;
  while (now === first) now = read();
  return now - monotonicMs();
}

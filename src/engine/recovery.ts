/**
 * What a daemon that died left behind. Its runs still hold their slots, and keep them until it is proved that nothing of
 * them is alive: then they are written down as `lost`, under the fence they had, and their slots are free.
 *
 * A job whose slot is held that way is not asked for its ticks meanwhile, so that a proof that takes a moment does not turn a
 * missed tick into a skipped one; all other jobs go on. Without a proof after 10 s the job's ticks are decided as usual (they
 * find a live run), and the proof is tried again for as long as the daemon lives.
 */
import type { RunRecord } from '../core/ledger.ts';
import type { Clock } from '../core/ports.ts';
import type { DurationMs } from '../core/time.ts';
import { Pause } from './pause.ts';
import type { Scheduler } from './scheduler.ts';

/** How the death of a run is proved; whoever knows processes does that. */
export interface DeathProver {
  /**
   * Stops what is left of a run, and proves that nothing of it is alive.
   *
   * @returns `undefined` when that is proved, else in words why it is not; never rejects
   */
  prove(run: RunRecord): Promise<string | undefined>;
}

const TRY_EACH_MS: DurationMs = 2_000;
const HOLD_MS: DurationMs = 10_000;

/**
 * Frees the slots of runs whose daemon is gone. Call it once, beside `Scheduler.start`.
 *
 * @param left what the store held as live before this scheduler started
 * @param onUnproven told once for each run whose end is not proved at the first attempt
 * @param signal aborted: gives up, leaving what is not proved to the next start
 * @returns when all of them are written as lost, or the signal is aborted
 */
export async function recover(
  left: readonly RunRecord[],
  parts: {
    readonly scheduler: Scheduler;
    readonly prover: DeathProver;
    readonly clock: Clock;
    readonly onUnproven: (run: RunRecord, why: string) => void;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  await Promise.all(left.map((run) => recoverOne(run, parts)));
}

async function recoverOne(run: RunRecord, parts: Parameters<typeof recover>[1]): Promise<void> {
  const { scheduler, prover, clock, onUnproven, signal } = parts;
  const heldUntil = clock.monotonic() + HOLD_MS;
  let told = false;
  const pause = new Pause();
  signal.addEventListener('abort', () => pause.end(), { once: true });
  while (!signal.aborted) {
    const why = await prover.prove(run);
    if (why === undefined) {
      scheduler.bury(run);
      return;
    }
    if (!told) onUnproven(run, why);
    told = true;
    if (clock.monotonic() >= heldUntil) scheduler.release(run.job);
    await pause.until(clock, clock.monotonic() + TRY_EACH_MS);
  }
}

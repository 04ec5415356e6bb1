/** What processes of a simulated daemon outlive it, and how its successors prove that they are gone. */
import type { RunRecord } from '../core/ledger.ts';
import type { Clock, RunOrder } from '../core/ports.ts';
import type { DurationMs } from '../core/time.ts';
import type { DeathProver } from '../engine/recovery.ts';
import type { Random } from './random.ts';
import type { RunJudge } from './run-judge.ts';

/** A proof takes so long at the most. */
const LONGEST_PROOF_MS: DurationMs = 4_000;
/** So often an orphan may survive being stopped. */
const MOST_REFUSALS = 2;

/** See the head of this file. They live longer than any one process. */
export class Orphans {
  readonly #judge: RunJudge;
  readonly #random: Random;
  readonly #refusals = new Map<string, { readonly order: RunOrder; left: number }>();

  constructor(judge: RunJudge, random: Random) {
    this.#judge = judge;
    this.#random = random;
  }

  /** The process of these runs has died. Threads die with it; processes go on, some of them. */
  leave(orders: readonly RunOrder[]): void {
    for (const order of orders) {
      if (order.job.isolation !== 'process' && this.#random.chance(0.5)) {
        this.#judge.gone(order);
        continue;
      }
      this.#judge.orphaned(order);
      this.#refusals.set(order.runId, { order, left: this.#random.int(0, MOST_REFUSALS) });
    }
  }

  /** @param clock of the process that proves: a proof dies with it */
  proverOn(clock: Clock): DeathProver {
    return {
      prove: async ({ id }: RunRecord) => {
        await new Promise<void>((resolve) => {
          clock.setTimer(clock.monotonic() + this.#random.scale(1, LONGEST_PROOF_MS), resolve);
        });
        const orphan = this.#refusals.get(id);
        if (orphan === undefined) return undefined;
        if (orphan.left-- > 0) return 'it does not die';
        this.#refusals.delete(id);
        this.#judge.gone(orphan.order);
        return undefined;
      },
    };
  }
}

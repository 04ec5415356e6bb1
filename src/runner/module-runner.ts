/** What the runners of module tasks share: a pool of warm hosts, and attempts in them. */
import type { Clock, LiveAttempt, Runner } from '../core/ports.ts';
import type { DurationMs } from '../core/time.ts';
import { ModuleAttempt } from './module-attempt.ts';
import { type Host, HostPool } from './pool.ts';

/** How many hosts, and how long they stay when idle. */
export interface ModuleRunnerOptions {
  readonly clock: Clock;
  readonly concurrency: number;
  readonly maxIdleMs?: DurationMs;
}

const MAX_IDLE_MS = 60_000;

/**
 * Makes a runner of hosts.
 *
 * @param options see {@link ModuleRunnerOptions}
 * @param create starts a host
 * @param closed is awaited after the last host is gone
 * @returns a runner; disposing it stops what is live by force and comes back with proof. Never throws
 */
export function createModuleRunner(options: ModuleRunnerOptions, create: () => Host, closed?: () => Promise<void>): Runner {
  const { clock, concurrency, maxIdleMs = MAX_IDLE_MS } = options;
  const pool = new HostPool({ clock, concurrency, maxIdleMs, create });
  const live = new Set<LiveAttempt>();
  return {
    start(order, observer) {
      const attempt = new ModuleAttempt(order, observer, pool, clock);
      live.add(attempt);
      void attempt.ended.then(() => live.delete(attempt));
      return attempt;
    },
    async [Symbol.asyncDispose]() {
      const attempts = [...live];
      for (const attempt of attempts) {
        attempt.stop({ kind: 'shutdown' });
        attempt.force();
      }
      await Promise.all(attempts.map(({ ended }) => ended));
      await pool.close();
      await closed?.();
    },
  };
}

/**
 * Healthchecks-style pings from a scheduler's events: `/start`, success, `/fail`, each with the run's `rid`, and nothing on a skip.
 * The runs never wait for them: a ping is sent beside the run, has ten seconds, and its failure is told to `onFailure` and to nobody else.
 */
import { randomUUID } from 'node:crypto';
import type { RunEnd, Scheduler } from '../../src/index.ts';

/** Where the ends of which job are told. */
export interface PingOptions {
  readonly job: string;
  /** E.g. `https://hc-ping.com/your-uuid`. */
  readonly url: string;
  readonly timeoutMs?: number;
  readonly onFailure?: (error: unknown) => void;
}

/**
 * Begins to tell.
 *
 * @returns disposing it ends the listening and waits for the pings that are under way
 */
export function ping(scheduler: Scheduler, options: PingOptions): AsyncDisposable {
  const { job, url, timeoutMs = 10_000, onFailure = () => {} } = options;
  /** A `rid` has to be a UUID, and a run's id is not. */
  const rids = new Map<string, string>();
  // One after the other, so that a start is never told after its end.
  let last: Promise<void> = Promise.resolve();
  const send = (suffix: string, rid: string | undefined, body?: string): void => {
    last = last.then(async () => {
      try {
        const response = await fetch(`${url}${suffix}${rid === undefined ? '' : `?rid=${rid}`}`, {
          method: 'POST',
          ...(body === undefined ? {} : { body }),
          signal: AbortSignal.timeout(timeoutMs),
        });
        await response.body?.cancel();
      } catch (error) {
        onFailure(error);
      }
    });
  };
  const listening = new DisposableStack();
  listening.use(
    scheduler.on('runStarted', (run) => {
      if (run.job !== job) return;
      const rid = randomUUID();
      rids.set(run.runId, rid);
      send('/start', rid);
    }),
  );
  listening.use(
    scheduler.on('runEnded', (end) => {
      // A run that never began (e.g. cancelled while it was queued) has nothing to tell.
      if (end.job !== job || end.startedAt === undefined) return;
      const rid = rids.get(end.runId);
      rids.delete(end.runId);
      send(isGood(end) ? '' : '/fail', rid, describe(end));
    }),
  );
  return {
    async [Symbol.asyncDispose]() {
      listening.dispose();
      await last;
    },
  };
}

/** Unfinished is not a failure: the next tick goes on. */
function isGood({ outcome }: RunEnd): boolean {
  return outcome === 'succeeded' || outcome === 'unfinished';
}

function describe({ outcome, reason, steps, error, runId }: RunEnd): string {
  return [`${runId}: ${outcome} after ${steps} steps`, reason, error?.message].filter((part) => part !== undefined).join('; ');
}

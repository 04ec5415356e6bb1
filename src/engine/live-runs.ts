/**
 * The runs that hold a slot: begun on a grant, ended by a durable write. A run leaves this table when the store has taken its
 * end, and not before: until then its slot is taken, here as there.
 */
import type { Job, JobName } from '../core/job.ts';
import type { SpawnedProcess } from '../core/ledger.ts';
import type { Timer } from '../core/ports.ts';
import type { EndWrite, Grant } from '../core/store.ts';
import type { RunOutcome } from '../core/run.ts';
import type { DurationMs, MonotonicMs } from '../core/time.ts';
import type { Dispatcher } from './dispatcher.ts';
import { withdrawalOf } from './end-write.ts';
import type { Inbox } from './inbox.ts';
import type { JobEntry } from './job-entry.ts';
import { LiveRun } from './live-run.ts';
import type { RunParts } from './run-parts.ts';
import { type RunEnd, RunWaiters } from './run-waiters.ts';

/** A checkpoint is written this long after its step at the latest. */
const CHECKPOINT_EACH_MS: DurationMs = 50;

/** What the table needs from the scheduler. */
export interface LiveRunsParts extends Omit<RunParts, 'onStepped' | 'onSpawned' | 'onBlocked'> {
  readonly inbox: Inbox;
  readonly dispatcher: Dispatcher;
  /** Something waits in the inbox. */
  readonly ask: () => void;
  readonly isStoreFailing: () => boolean;
  /** The shortest time between two ticks of a job. */
  readonly gapOf: (job: Job) => DurationMs | undefined;
}

/** See the head of this file. */
export class LiveRuns {
  readonly waiters: RunWaiters = new RunWaiters();
  readonly outcomes: Record<RunOutcome, number> = {
    succeeded: 0,
    unfinished: 0,
    timedOut: 0,
    killed: 0,
    failed: 0,
    cancelled: 0,
    lost: 0,
  };
  readonly #parts: LiveRunsParts;
  readonly #runParts: RunParts;
  readonly #live = new Map<string, LiveRun>();
  #lastCheckpointAt: MonotonicMs = -Infinity;
  #checkpointTimer: Timer | undefined;
  readonly #withdrawing = new Set<string>();
  #isDraining = false;
  #whenQuiet: (() => void)[] = [];

  constructor(parts: LiveRunsParts) {
    this.#parts = parts;
    const { clock, events, runnerFor, random } = parts;
    this.#runParts = {
      clock,
      events,
      runnerFor,
      random,
      onStepped: (run, waits) => this.#stepped(run, waits),
      onSpawned: (run, process) => this.#spawned(run, process),
      onBlocked: () => this.#tellIfQuiet(),
    };
  }

  get size(): number {
    return this.#live.size;
  }

  /** @returns the run with this id, if it holds a slot here */
  find(runId: string): LiveRun | undefined {
    return this.#live.get(runId);
  }

  all(): Iterable<LiveRun> {
    return this.#live.values();
  }

  /** Takes a grant over: the run begins as soon as it has a place, under the definition for which the store granted it. */
  begin(entry: JobEntry, job: Job, grant: Grant): void {
    if (entry.live !== undefined)
      throw new Error(`job ${grant.job}: run ${grant.runId} was granted while ${entry.live.grant.runId} is live`);
    const run = new LiveRun(job, grant, this.#parts.gapOf(job), this.#runParts);
    entry.live = run;
    this.#live.set(grant.runId, run);
    // Granted by a commit that was under way when the drain began.
    if (this.#isDraining) this.stop(run, 'shutdown');
    else this.#parts.dispatcher.dispatch(job.priority, () => this.#carryOut(run));
  }

  /** Asks a run to stop; one that has not begun ends at once. */
  stop(run: LiveRun, by: string): void {
    if (run.begun) run.stop({ kind: 'cancel', by });
    else if (!run.isWithdrawn) this.#end(run.withdraw(by));
  }

  /** Takes back a run that waits behind its slot. */
  withdrawQueued(job: JobName, runId: string, by: string): void {
    if (this.#withdrawing.has(runId)) return;
    this.#withdrawing.add(runId);
    this.#end(withdrawalOf({ job, runId, fence: undefined }, by, this.#parts.clock.now()));
  }

  /** The store has answered the write of an end. */
  ended(entry: JobEntry | undefined, write: EndWrite, accepted: boolean): void {
    const run = this.#live.get(write.runId);
    if (write.fence === undefined) {
      this.#withdrawing.delete(write.runId);
      // It was granted while its withdrawal was on its way: then it is a live run like any other, and is stopped like one.
      if (run !== undefined) {
        this.stop(run, write.by ?? 'cancel');
        return;
      }
    }
    this.#live.delete(write.runId);
    if (entry !== undefined && entry.live === run) entry.live = undefined;
    const { events } = this.#parts;
    if (accepted) {
      this.outcomes[write.outcome]++;
      const isHeard = events.isHeard('runEnded');
      if (isHeard || this.waiters.has(write.runId)) {
        const end = endOf(write, run);
        if (isHeard) events.emit('runEnded', end);
        this.waiters.ended(end);
      }
    } else {
      events.emit('fenceRejected', { job: write.job, runId: write.runId, fence: write.fence });
      this.waiters.ended(endOf(write, run));
    }
    this.#tellIfQuiet();
  }

  /** The store has answered the write of a checkpoint. */
  saved(run: LiveRun, checkpoint: string | undefined, accepted: boolean): void {
    run.isCheckpointInDoubt = false;
    if (!accepted)
      this.#parts.events.emit('fenceRejected', { job: run.grant.job, runId: run.grant.runId, fence: run.grant.fence });
    else if (checkpoint !== undefined) run.saved(checkpoint);
  }

  /**
   * Lets every run finish the step it is in, asks what is left after the grace to stop, and waits for the proof of every end.
   *
   * @param graceMs how long runs may go on
   * @param hurry aborted: stop and use force at once
   */
  async drain(graceMs: DurationMs, hurry: AbortSignal | undefined): Promise<void> {
    const { clock } = this.#parts;
    this.#isDraining = true;
    for (const run of [...this.#live.values()]) {
      if (run.begun) run.windDown();
      else this.stop(run, 'shutdown');
    }
    const stopAll = (): void => {
      for (const run of this.#live.values()) run.stop({ kind: 'shutdown' });
    };
    const force = (): void => {
      stopAll();
      for (const run of this.#live.values()) run.force();
    };
    const timer = clock.setTimer(clock.monotonic() + graceMs, stopAll);
    if (hurry?.aborted === true) force();
    hurry?.addEventListener('abort', force, { once: true });
    await new Promise<void>((resolve) => {
      this.#whenQuiet.push(resolve);
      this.#tellIfQuiet();
    });
    timer.cancel();
    // The ends carry what it would have written.
    this.#checkpointTimer?.cancel();
    hurry?.removeEventListener('abort', force);
  }

  /** Ids of runs whose end is not proved: after a drain, inline ones that nothing but the end of the process ends. */
  get unproven(): readonly string[] {
    return [...this.#live.values()].filter((run) => !run.isOver).map((run) => run.grant.runId);
  }

  /** Ends cannot be written: a drain does not wait for those that are proved. */
  onStoreFailing(): void {
    this.#tellIfQuiet();
  }

  async #carryOut(run: LiveRun): Promise<void> {
    if (run.isWithdrawn) return;
    this.#end(await run.carryOut());
  }

  #end(write: EndWrite): void {
    this.#parts.inbox.end(write);
    this.#parts.ask();
    this.#tellIfQuiet();
  }

  #spawned(run: LiveRun, process: SpawnedProcess): Promise<void> {
    const { job, runId, fence } = run.grant;
    return new Promise((resolve) => {
      this.#parts.inbox.spawned({ write: { job, runId, fence, process }, resolve });
      this.#parts.ask();
    });
  }

  /** Checkpoints ride with any turn; when steps are faster than commits the newest wins, and one is written each 50 ms. */
  #stepped(run: LiveRun, waits: boolean): void {
    const { clock, inbox, ask } = this.#parts;
    inbox.stepped(run);
    const now = clock.monotonic();
    if (waits || (this.#checkpointTimer === undefined && now - this.#lastCheckpointAt >= CHECKPOINT_EACH_MS)) {
      this.#lastCheckpointAt = now;
      ask();
      return;
    }
    this.#checkpointTimer ??= clock.setTimer(this.#lastCheckpointAt + CHECKPOINT_EACH_MS, () => {
      this.#checkpointTimer = undefined;
      this.#lastCheckpointAt = clock.monotonic();
      ask();
    });
  }

  #tellIfQuiet(): void {
    if (this.#whenQuiet.length === 0) return;
    for (const run of this.#live.values()) {
      const isUnprovable = run.state === 'blocked' && !run.runsElsewhere;
      const isUnwritable = run.isOver && this.#parts.isStoreFailing();
      if (!isUnprovable && !isUnwritable) return;
    }
    for (const tell of this.#whenQuiet.splice(0)) tell();
  }
}

function endOf(write: EndWrite, run: LiveRun | undefined): RunEnd {
  const { job, runId, fence, outcome, reason, startedAt, endedAt, steps, attempts, progress, result, error } = write;
  const tick = run?.grant.tick ?? write.tick ?? endedAt;
  return { job, runId, tick, fence: fence ?? 0, outcome, reason, startedAt, endedAt, steps, attempts, progress, result, error };
}

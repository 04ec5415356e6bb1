/** A run and a bounded past, as the memory store keeps them: few fields while it lives, a record only when somebody reads. */
import type { JobName } from '../core/job.ts';
import type { NodeIdentity, RunRecord, SpawnedProcess } from '../core/ledger.ts';
import type { LogLine } from '../core/log-line.ts';
import type { EndWrite } from '../core/store.ts';
import type { Cause, RunState } from '../core/run.ts';
import type { Progress } from '../core/task.ts';
import type { DurationMs, Instant } from '../core/time.ts';
import { present } from './present.ts';

/** A run in memory. Its end is kept as it was written. */
export class MemoryRun {
  readonly runId: string;
  readonly tick: Instant;
  readonly cause: Cause;
  readonly queuedAt: Instant;
  /** How many ended runs the job's history holds. */
  readonly keep: number;
  /** Its number in the order in which runs entered the ledger. */
  readonly entered: number;
  fence = 0;
  grantedAt: Instant = 0;
  steps = 0;
  by: string | undefined = undefined;
  input: string | undefined = undefined;
  budgetMs: DurationMs | undefined = undefined;
  exclusive: readonly string[] | undefined = undefined;
  progress: Progress | undefined = undefined;
  process: SpawnedProcess | undefined = undefined;
  end: EndWrite | undefined = undefined;
  /** Ascending by `seq`. */
  lines: readonly LogLine[] | undefined = undefined;

  /** Positional, for it stands on the path of every run. */
  constructor(runId: string, tick: Instant, cause: Cause, queuedAt: Instant, keep: number, entered: number) {
    this.runId = runId;
    this.tick = tick;
    this.cause = cause;
    this.queuedAt = queuedAt;
    this.keep = keep;
    this.entered = entered;
  }

  /** @returns the outcome of an ended run, else `running` or `queued` */
  state(): RunState {
    return this.end?.outcome ?? (this.fence > 0 ? 'running' : 'queued');
  }

  /** @returns the run as the ledger shows it, absent fields left out */
  record(job: JobName, node: NodeIdentity, checkpoint: string | undefined): RunRecord {
    const { end } = this;
    const granted = this.fence > 0;
    return present<RunRecord>({
      id: this.runId,
      job,
      tick: this.tick,
      cause: this.cause,
      state: this.state(),
      fence: granted ? this.fence : undefined,
      node: granted ? node : undefined,
      queuedAt: this.queuedAt,
      grantedAt: granted ? this.grantedAt : undefined,
      startedAt: end?.startedAt,
      endedAt: end?.endedAt,
      reason: end?.reason,
      by: end?.by ?? this.by,
      budgetMs: end?.budgetMs ?? this.budgetMs,
      graceMs: end?.graceMs,
      steps: end?.steps ?? this.steps,
      attempts: end?.attempts ?? 0,
      progress: end?.progress ?? this.progress,
      result: end?.result,
      input: this.input,
      checkpoint,
      error: end?.error,
      stalled: end?.stalled,
      process: this.process,
    });
  }
}

/** The newest items, up to a limit; the oldest gives way. */
export class Ring<Item> {
  readonly #limit: number;
  readonly #items: Item[] = [];
  #next = 0;

  /** @param limit how many items are kept; at least 1 is */
  constructor(limit: number) {
    this.#limit = Math.max(1, limit);
  }

  /** Adds an item in constant time. @returns the one that gave way, if any */
  push(item: Item): Item | undefined {
    if (this.#items.length < this.#limit) {
      this.#items.push(item);
      return undefined;
    }
    const oldest = this.#items[this.#next];
    this.#items[this.#next] = item;
    this.#next = this.#next + 1 === this.#limit ? 0 : this.#next + 1;
    return oldest;
  }

  /** @returns a copy, oldest first */
  values(): Item[] {
    return [...this.#items.slice(this.#next), ...this.#items.slice(0, this.#next)];
  }
}

/** Whom the rules of `notify` name: the receivers of messages, found by the hash under which messages name them. */
import type { Job, JobName, NotifyRule } from '../core/job.ts';
import type { Message } from '../core/message.ts';
import { targetOf } from '../core/plan-messages.ts';

/** Finds receivers; reads the jobs again when they are others than before. */
export class Receivers {
  readonly #jobs: () => readonly Job[];
  #read: readonly Job[] | undefined;
  #rules = new Map<string, NotifyRule>();
  #byJob = new Map<JobName, readonly NotifyRule[]>();

  /** @param jobs gives the same array as long as the definitions are the same */
  constructor(jobs: () => readonly Job[]) {
    this.#jobs = jobs;
  }

  /** Whether anybody wants to be told of anything. */
  get isEmpty(): boolean {
    this.#refresh();
    return this.#rules.size === 0;
  }

  /**
   * The rule of a message: its job's, for rules of two jobs may name one receiver and sign differently; else anybody's, for a job
   * may be gone and its receiver still be there.
   *
   * @returns `undefined` when nobody names the receiver any more
   */
  find({ job, target }: Pick<Message, 'job' | 'target'>): NotifyRule | undefined {
    this.#refresh();
    return this.#byJob.get(job)?.find((rule) => targetOf(rule) === target) ?? this.#rules.get(target);
  }

  #refresh(): void {
    const jobs = this.#jobs();
    if (jobs === this.#read) return;
    this.#read = jobs;
    this.#rules = new Map();
    this.#byJob = new Map();
    // Jobs share their rules, so most of them need no hash.
    const seen = new Set<readonly NotifyRule[]>();
    for (const { name, notify } of jobs) {
      if (notify.length === 0) continue;
      this.#byJob.set(name, notify);
      if (seen.has(notify)) continue;
      seen.add(notify);
      for (const rule of notify) this.#rules.set(targetOf(rule), rule);
    }
  }
}

/** How the log calls a receiver: without path and query, which may hold a secret. */
export function receiverName({ webhook, command }: NotifyRule): string {
  if (webhook !== undefined) return URL.parse(webhook)?.host ?? 'webhook';
  return command?.[0] ?? 'command';
}

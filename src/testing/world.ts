/** The jobs of a simulation and what their runs do, by chance. */
import { type Job, JOB_DEFAULTS, type JobName, type RetryPolicy } from '../core/job.ts';
import type { RunOrder } from '../core/ports.ts';
import type { Schedule } from '../core/schedule.ts';
import type { DurationMs, Instant } from '../core/time.ts';
import type { Random } from './random.ts';
import type { AttemptScript, ScriptedStep } from './script.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const RESOURCES = ['disk', 'network', 'printer'] as const;
const PATTERNS = [
  '*/5 * * * *',
  '*/20 * * * *',
  '7 * * * *',
  '0 */3 * * *',
  '30 4 * * *',
  '15,45 8,9,20 * * *',
  '30 */10 * * * *',
] as const;
/** The ledger of a simulation forgets nothing. */
const HISTORY = { maxRunsPerJob: 1_000_000, maxAgeMs: Infinity };

/** Makes jobs and scripts; every choice comes from one source of chance. */
export class World {
  readonly #random: Random;
  readonly #gaps = new Map<string, DurationMs>();
  #number = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** @param now schedules with a window lie around this instant. @returns the jobs of the first start */
  first(now: Instant): Map<JobName, Job> {
    const jobs = new Map<JobName, Job>();
    for (let count = this.#random.int(2, 7); count > 0; count--) this.#add(jobs, now);
    return jobs;
  }

  /**
   * The definitions of the next reload: a job more, or less, or changed.
   *
   * @param jobs that are in force; left as they are
   * @param name one of them
   * @param gone one that an earlier reload took away, which may come back
   * @param now as for `first`
   */
  changed(
    jobs: ReadonlyMap<JobName, Job>,
    name: JobName | undefined,
    gone: JobName | undefined,
    now: Instant,
  ): Map<JobName, Job> {
    const random = this.#random;
    const next = new Map(jobs);
    const before = name === undefined ? undefined : jobs.get(name);
    if (before === undefined || random.chance(0.2)) this.#add(next, now);
    else if (random.chance(0.3)) next.delete(before.name);
    else if (random.chance(0.4)) next.set(before.name, this.redefine(before.name, now));
    else next.set(before.name, this.repolicy(before));
    if (gone !== undefined && random.chance(0.3)) next.set(gone, this.redefine(gone, now));
    return next;
  }

  /** @returns a new definition of a job, schedule included */
  redefine(name: string, now: Instant): Job {
    const random = this.#random;
    const gapMs = Math.round(random.scale(3 * MINUTE_MS, 2 * HOUR_MS));
    this.#gaps.set(name, gapMs);
    return this.repolicy({
      ...JOB_DEFAULTS,
      name,
      task: { kind: 'module', module: '/simulated', export: 'default' },
      history: HISTORY,
      schedules: this.#schedules(gapMs, now),
    });
  }

  /** @returns the same job under other policies, its schedule untouched */
  repolicy(job: Job): Job {
    const random = this.#random;
    const gapMs = this.#gapOf(job.name);
    return {
      ...job,
      budgetMs: Math.max(1, Math.round(gapMs * random.scale(0.02, 2))),
      graceMs: Math.round(random.scale(10, 5_000)),
      stepTimeoutMs: random.chance(0.2) ? Math.max(1, Math.round(gapMs * random.scale(0.01, 1))) : undefined,
      onOverlap: random.pick(['skip', 'queue', 'cancel']),
      onMissed: random.pick(['skip', 'latest', 'all']),
      missedWindowMs: random.pick([0, 10 * MINUTE_MS, HOUR_MS, 5 * HOUR_MS]),
      missedLimit: random.pick([1, 3, 100]),
      isolation: random.pick(['inline', 'worker', 'worker', 'process']),
      exclusive: random.chance(0.4) ? RESOURCES.filter(() => random.chance(0.5)) : [],
      priority: random.int(-1, 1),
      retry: random.chance(0.4) ? this.#retry(gapMs) : undefined,
      paused: random.chance(0.05),
    };
  }

  /** @returns what an attempt of the job does */
  script(order: RunOrder): AttemptScript {
    const random = this.#random;
    const usualMs = this.#gapOf(order.job.name) * random.scale(0.001, 0.7);
    const count = random.int(1, 4);
    const fails = random.chance(order.attempt === 1 ? 0.25 : 0.5);
    const steps: ScriptedStep[] = Array.from({ length: count }, (_, index) => ({
      takesMs: random.chance(0.03) ? usualMs * 20 : random.chance(0.1) ? 0 : usualMs * random.next(),
      ...(random.chance(0.7) ? { checkpoint: { fence: order.fence, attempt: order.attempt, step: index + 1 } } : {}),
      ...(random.chance(0.2) ? { progress: { completed: index + 1, total: count } } : {}),
      ...(random.chance(0.1) ? { waitMs: usualMs * random.next() } : {}),
      ...(fails && index === count - 1 ? { throws: 'scripted failure' } : {}),
    }));
    return {
      steps,
      stopDelayMs: random.chance(0.6) ? random.scale(1, 8_000) : undefined,
      forceDelayMs: order.job.isolation === 'inline' ? undefined : random.pick([0, 0, 5, 1_500]),
    };
  }

  #add(jobs: Map<JobName, Job>, now: Instant): void {
    const job = this.redefine(`job-${++this.#number}`, now);
    jobs.set(job.name, job);
  }

  #gapOf(name: string): DurationMs {
    return this.#gaps.get(name) ?? HOUR_MS;
  }

  #schedules(gapMs: DurationMs, now: Instant): readonly Schedule[] {
    const random = this.#random;
    const schedules: Schedule[] = [];
    if (random.chance(0.05)) return schedules;
    if (random.chance(0.6)) schedules.push({ kind: 'every', everyMs: gapMs });
    else schedules.push({ kind: 'cron', pattern: random.pick(PATTERNS), timezone: 'UTC' });
    if (random.chance(0.1)) schedules.push({ kind: 'at', at: now + random.int(1, 20) * HOUR_MS });
    // A burst of ticks each few seconds, for an hour at the most.
    if (random.chance(0.1)) {
      const startAt = now + random.int(0, 10) * HOUR_MS;
      schedules.push({
        kind: 'every',
        everyMs: random.int(2, 40) * 1_000,
        startAt,
        stopAt: startAt + random.int(1, 60) * MINUTE_MS,
      });
    }
    return schedules;
  }

  #retry(gapMs: DurationMs): RetryPolicy {
    const random = this.#random;
    return {
      attempts: random.int(2, 4),
      delayMs: Math.round(gapMs * random.scale(0.001, 0.3)),
      factor: random.pick([1, 2]),
      maxDelayMs: gapMs,
      jitter: random.pick([0, 0.5]),
    };
  }
}

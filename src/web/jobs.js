/** @import { JobJson } from '../http/view-job.ts' */
/** @import { RunJson } from '../http/view-run.ts' */

/** What an event may say of a job. @typedef {Partial<RunJson> & { job?: string, runId?: string, what?: string, at: string }} Told */

/** How many outcomes are shown of each job. */
export const OUTCOMES_SHOWN = 20;

/** The jobs as this page knows them: read from the daemon, and moved on by what happens, until they are read again. */
export class Jobs {
  /** In the order of their names. @type {Map<string, JobJson>} */
  #jobs = new Map();
  /** Newest last; of the jobs that were looked at. @type {Map<string, string[]>} */
  #outcomes = new Map();

  /** @param {readonly JobJson[]} jobs all of them */
  replace(jobs) {
    this.#jobs = new Map(jobs.map((job) => [job.name, job]));
  }

  /** Outcomes that no event has told of may have come. */
  forgetOutcomes() {
    this.#outcomes.clear();
  }

  /** @param {JobJson} job as read now */
  set(job) {
    if (this.#jobs.has(job.name)) this.#jobs.set(job.name, job);
  }

  /** @param {string} name */
  has(name) {
    return this.#jobs.has(name);
  }

  /** @param {string} name @returns {JobJson | undefined} */
  get(name) {
    return this.#jobs.get(name);
  }

  get size() {
    return this.#jobs.size;
  }

  /** @param {string} name @returns {readonly string[] | undefined} the newest last; `undefined`: not read yet */
  outcomes(name) {
    return this.#outcomes.get(name);
  }

  /** @param {string} name @param {readonly RunJson[]} runs newest first */
  setOutcomes(name, runs) {
    const ended = runs.flatMap(({ outcome }) => (outcome === undefined ? [] : [outcome]));
    this.#outcomes.set(name, ended.slice(0, OUTCOMES_SHOWN).toReversed());
  }

  /** @param {string} text of name, description or state @returns {JobJson[]} those that match */
  matching(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const all = [...this.#jobs.values()];
    return all.filter(({ name, description, state }) => {
      const told = `${name} ${state} ${description ?? ''}`.toLowerCase();
      return words.every((word) => told.includes(word));
    });
  }

  /** @returns {Map<string, number>} how many jobs are in each state */
  sums() {
    const sums = new Map();
    for (const { state } of this.#jobs.values()) sums.set(state, (sums.get(state) ?? 0) + 1);
    return sums;
  }

  /**
   * Moves a job on by what happened.
   *
   * @param {string} type of the event
   * @param {Told} told
   * @returns {string | undefined} the job that is not what it was
   */
  apply(type, told) {
    const job = this.#jobs.get(told.job ?? '');
    if (job === undefined) return undefined;
    const moved = movedOn(job, type, told);
    if (moved !== undefined) this.#jobs.set(job.name, moved);
    if (type === 'runEnded' && told.outcome !== undefined) {
      const known = this.#outcomes.get(job.name);
      if (known !== undefined) this.#outcomes.set(job.name, [...known, told.outcome].slice(-OUTCOMES_SHOWN));
    }
    return job.name;
  }
}

/** @param {JobJson} job @param {string} type @param {Told} told @returns {JobJson | undefined} */
function movedOn(job, type, told) {
  const { liveRun } = job;
  const isLive = liveRun !== undefined && liveRun.id === told.runId;
  switch (type) {
    case 'jobPaused':
      return { ...job, paused: true, state: liveRun === undefined ? 'paused' : job.state };
    case 'jobResumed':
      return { ...job, paused: false, state: liveRun === undefined ? 'idle' : job.state };
    case 'runStarted':
      return { ...job, state: 'running', liveRun: runOf(told, 'running') };
    case 'runProgressed':
      return isLive ? { ...job, liveRun: { ...liveRun, steps: told.steps ?? 0, progress: told.progress } } : undefined;
    case 'runStopping':
      return isLive
        ? { ...job, state: 'stopping', liveRun: { ...liveRun, state: 'stopping', waitingFor: told.reason } }
        : undefined;
    case 'runBlocked':
      return isLive ? { ...job, state: 'blocked', liveRun: { ...liveRun, state: 'blocked', waitingFor: told.what } } : undefined;
    case 'runEnded': {
      const lastRun = { ...runOf(told, told.outcome ?? 'failed'), outcome: told.outcome };
      if (!isLive) return { ...job, lastRun };
      return { ...job, state: job.paused ? 'paused' : 'idle', lastRun, liveRun: undefined };
    }
    default:
      return undefined;
  }
}

/** @param {Told} told @param {RunJson['state']} state @returns {RunJson} */
function runOf(told, state) {
  const { runId = '', job = '', tick = told.at, cause = 'tick', startedAt, endedAt, deadline, reason, error, progress } = told;
  const { steps = 0, attempts = 1, at } = told;
  return {
    id: runId,
    job,
    tick,
    cause,
    state,
    steps,
    attempts,
    queuedAt: at,
    startedAt,
    endedAt,
    deadline,
    reason,
    error,
    progress,
  };
}

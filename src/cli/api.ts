/** The calls of the API, each with the shape of its answer. */
import { TickwiseError } from '../core/errors.ts';
import { JOB_NAME, type JobName } from '../core/job.ts';
import { type DurationMs, formatDuration, type Instant } from '../core/time.ts';
import { createCalendar } from '../system/calendar.ts';
import { type Answers, type JobAnswer, type LineAnswer, readAnswer, type RunAnswer } from './answer.ts';
import { Client, type RequestParts } from './client.ts';
import { iso } from './format.ts';
import { oneRunOf } from './run-id.ts';
import { readSettings } from './settings.ts';
import { findTarget, type RemoteOptions, type Target } from './target.ts';

/** Which runs to ask for, newest first. */
export interface RunsAsked {
  readonly job?: JobName | undefined;
  readonly state?: string | undefined;
  readonly from?: Instant | undefined;
  readonly to?: Instant | undefined;
  readonly count: number;
}

/** The longest page of the API. */
const PAGE = 500;
/** A part of an id is looked for among so many of the newest runs. */
const SEARCHED = 20_000;
const WHOLE_ID = /^[0-9a-z]{9}-[0-9a-z]{14}$/;

/**
 * Finds the daemon's API, by `--url` or by the configuration.
 *
 * @param remote where, and as whom
 * @returns the API; dispose of it. Nobody has been asked yet
 * @throws TickwiseError those of the configuration; `NO_DAEMON` when the configuration opens no API
 */
export function openApi(remote: RemoteOptions): Api {
  if (remote.url !== undefined) return new Api(findTarget(remote, undefined, process.env), []);
  const config = readSettings(remote.config, createCalendar(), true);
  return new Api(findTarget(remote, config, process.env), config.secrets);
}

/** One daemon. Every method may throw what {@link Client.request} does. */
export class Api implements Disposable {
  /** Of the configuration, to be blotted out of whatever is printed. */
  readonly secrets: readonly string[];
  readonly #client: Client;

  constructor(target: Target, secrets: readonly string[]) {
    this.#client = new Client(target);
    this.secrets = secrets;
  }

  async jobs(): Promise<readonly JobAnswer[]> {
    return (await this.#ask('jobs', '/v1/jobs')).jobs;
  }

  async job(name: JobName): Promise<Answers['jobDetail']> {
    return this.#ask('jobDetail', pathOf(name));
  }

  async runs({ job, state, from, to, count }: RunsAsked): Promise<readonly RunAnswer[]> {
    const found: RunAnswer[] = [];
    let cursor: string | undefined;
    do {
      const limit = String(Math.min(PAGE, count - found.length));
      const range = { from: from === undefined ? undefined : iso(from), to: to === undefined ? undefined : iso(to) };
      const page = await this.#ask('runs', `/v1/runs${queryOf({ job, state, ...range, limit, cursor })}`);
      found.push(...page.runs);
      ({ cursor } = page);
    } while (cursor !== undefined && found.length < count);
    return found;
  }

  /** @param options `waitMs`: answer when the run has ended, or after that time */
  run(
    id: string,
    { waitMs = 0, signal }: { readonly waitMs?: DurationMs; readonly signal?: AbortSignal } = {},
  ): Promise<RunAnswer> {
    const wait = waitMs === 0 ? {} : { patienceMs: waitMs + 30_000 };
    const query = queryOf({ wait: waitMs === 0 ? undefined : formatDuration(waitMs) });
    return this.#ask('run', `/v1/runs/${encodeURIComponent(id)}${query}`, {
      ...wait,
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** @param idOrPart a run's id, or a part of one that no other run's has @throws TickwiseError `RUN_NOT_FOUND` */
  async findRun(idOrPart: string): Promise<RunAnswer> {
    if (WHOLE_ID.test(idOrPart)) return this.run(idOrPart);
    const newest = idOrPart === '' ? [] : await this.runs({ count: SEARCHED });
    const { id } = oneRunOf(
      newest.filter((run) => run.id.includes(idOrPart)),
      idOrPart,
    );
    return this.run(id);
  }

  /** Lines after the `after`th, at most `limit`. */
  async log(id: string, { after, limit }: { readonly after: number; readonly limit: number }): Promise<readonly LineAnswer[]> {
    const query = queryOf({ after: String(after), limit: String(limit) });
    return (await this.#ask('log', `/v1/runs/${encodeURIComponent(id)}/log${query}`)).lines;
  }

  async submit(
    job: JobName,
    body: { readonly input?: unknown; readonly budget?: string },
    idempotencyKey: string | undefined,
  ): Promise<Answers['runRef']> {
    const headers = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey };
    return this.#ask('runRef', `${pathOf(job)}/runs`, { method: 'POST', body, headers });
  }

  async cancelRun(id: string): Promise<void> {
    await this.#ask('runRef', `/v1/runs/${encodeURIComponent(id)}/cancel`, { method: 'POST' });
  }

  /** @returns the runs that were asked to stop */
  async cancelJob(job: JobName): Promise<readonly string[]> {
    return (await this.#ask('runRefs', `${pathOf(job)}/cancel`, { method: 'POST' })).runIds;
  }

  /** @returns the job as it stands now */
  async setPaused(job: JobName, paused: boolean): Promise<JobAnswer> {
    return this.#ask('job', `${pathOf(job)}/${paused ? 'pause' : 'resume'}`, { method: 'POST' });
  }

  async #ask<Kind extends keyof Answers>(kind: Kind, path: string, parts?: RequestParts): Promise<Answers[Kind]> {
    const read = readAnswer(kind, await this.#client.request(path, parts));
    if ('answer' in read) return read.answer;
    throw await this.#client.strangeAnswer(`its answer cannot be read (${read.fault})`);
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }
}

/** @throws TickwiseError the daemon's own, or `NO_DAEMON` @returns whether it says that nobody listens, so that the ledger may be read instead */
export function isAbsent(error: unknown): boolean {
  return error instanceof TickwiseError && error.code === 'NO_DAEMON' && error.facts['absent'] === true;
}

function pathOf(job: JobName): string {
  if (JOB_NAME.test(job)) return `/v1/jobs/${job}`;
  throw new TickwiseError('JOB_NOT_FOUND', `no job is named ${JSON.stringify(job)}; "tickwise list" shows those that are`);
}

function queryOf(fields: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}

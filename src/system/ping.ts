/**
 * Signals the life of runs to a Healthchecks server: start, success, failure. Signals are kept in memory and are lost with the
 * daemon; what must not be lost is a message of `notify`. Nothing is waited for: the engine's events are turned into entries of a
 * bounded queue, and all else happens in later turns of the loop.
 *
 * @see https://healthchecks.io/docs/http_api/
 */
import { createHash } from 'node:crypto';
import type { Job, JobName } from '../core/job.ts';
import type { Clock } from '../core/ports.ts';
import type { TaskLog } from '../core/task.ts';
import type { DurationMs } from '../core/time.ts';
import type { EventMap, Events } from '../engine/events.ts';
import { backoffMs } from './notify-lane.ts';
import { createSend, type Send } from './notify-send.ts';
import { postOnce } from './notify-webhook.ts';
import { type Ping, PingQueue } from './ping-queue.ts';

/** What a pinger needs. */
export interface PingerParts {
  readonly events: Events;
  /** The same array as long as the definitions are the same. */
  readonly jobs: () => readonly Job[];
  readonly clock: Clock;
  readonly log: TaskLog;
  /** Makes a body presentable, e.g. blots secrets out. */
  readonly clean?: ((text: string) => string) | undefined;
  /** Absent: over HTTP. */
  readonly send?: Send | undefined;
  /** In [0, 1); for the jitter of delays. */
  readonly random?: (() => number) | undefined;
}

const MOST_TRIES = 5;
const TIMEOUT_MS: DurationMs = 10_000;
const LONGEST_BODY_BYTES = 10_000;
/** What is given up for want of room is said at most so often. */
const SAY_EACH_MS: DurationMs = 60_000;
const FLUSH_MS: DurationMs = 2_000;

/**
 * Begins to ping for each run whose job has a `ping`.
 *
 * @param parts see {@link PingerParts}
 * @returns disposing it gives pings that are under way or have not been tried 2 s, and tries none again
 */
export function createPinger(parts: PingerParts): AsyncDisposable {
  return new Pinger(parts);
}

class Pinger implements AsyncDisposable {
  readonly #parts: PingerParts;
  readonly #queue = new PingQueue();
  readonly #underWay = new Set<Promise<void>>();
  readonly #giveUp = new AbortController();
  readonly #send: Send;
  readonly #listening = new DisposableStack();
  #read: readonly Job[] | undefined;
  #bases = new Map<JobName, string>();
  #isPumpAsked = false;
  #isClosed = false;
  #givenUp = 0;
  #saidAt = -Infinity;

  constructor(parts: PingerParts) {
    this.#parts = parts;
    this.#send = parts.send ?? createSend();
    this.#listening.use(parts.events.on('runStarted', (event) => this.#started(event)));
    this.#listening.use(parts.events.on('runEnded', (event) => this.#ended(event)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { clock } = this.#parts;
    this.#isClosed = true;
    this.#listening.dispose();
    const timer = clock.setTimer(clock.monotonic() + FLUSH_MS, () => this.#giveUp.abort());
    this.#pump();
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    timer.cancel();
  }

  // -----------------------------------------------------------------------------------------------

  #started({ job, runId }: EventMap['runStarted']): void {
    const base = this.#baseOf(job);
    if (base !== undefined) this.#enqueue(base, '/start', job, runId, '');
  }

  /** A run that never began was a skip, or as good as one: nothing was said of its start, and nothing is of its end. */
  #ended(event: EventMap['runEnded']): void {
    const base = event.startedAt === undefined ? undefined : this.#baseOf(event.job);
    if (base !== undefined) this.#enqueue(base, signalOf(event), event.job, event.runId, bodyOf(event));
  }

  #enqueue(base: string, signal: string, job: JobName, runId: string, text: string): void {
    const body = cut(this.#parts.clean === undefined ? text : this.#parts.clean(text));
    this.#sayGivenUp(this.#queue.add({ job, runId, url: pingUrl(base, signal, runId), body }).length);
    if (this.#isPumpAsked) return;
    this.#isPumpAsked = true;
    this.#parts.clock.defer(() => {
      this.#isPumpAsked = false;
      this.#pump();
    });
  }

  #pump(): void {
    for (let next = this.#queue.take(); next !== undefined; next = this.#queue.take()) {
      const sending = this.#post(next.ping, next.tries).finally(() => {
        this.#underWay.delete(sending);
        if (!this.#giveUp.signal.aborted) this.#pump();
      });
      this.#underWay.add(sending);
    }
  }

  async #post(ping: Ping, tries: number): Promise<void> {
    const { clock, log, random = Math.random } = this.#parts;
    const headers = { 'content-type': 'text/plain; charset=utf-8' };
    const post = { url: ping.url, headers, body: ping.body, timeoutMs: TIMEOUT_MS };
    const attempt = await postOnce(post, { clock, send: this.#send, signal: this.#giveUp.signal });
    if (attempt.kind === 'delivered') return this.#queue.done(ping);
    const isFinal = attempt.kind === 'gone' || !mayHelp(attempt.status);
    if (isFinal || tries >= MOST_TRIES || this.#isClosed) {
      const fields = { job: ping.job, runId: ping.runId, receiver: URL.parse(ping.url)?.host, what: attempt.what, tries };
      log.warn('a ping is given up', fields);
      return this.#queue.done(ping);
    }
    this.#queue.rest(ping);
    clock.setTimer(clock.monotonic() + backoffMs(tries, random()), () => {
      if (this.#isClosed) return;
      this.#queue.retry(ping);
      this.#pump();
    });
  }

  #baseOf(job: JobName): string | undefined {
    const jobs = this.#parts.jobs();
    if (jobs !== this.#read) {
      this.#read = jobs;
      this.#bases = new Map(jobs.flatMap(({ name, ping }) => (ping === undefined ? [] : [[name, ping]])));
    }
    return this.#bases.get(job);
  }

  #sayGivenUp(count: number): void {
    this.#givenUp += count;
    const { clock, log } = this.#parts;
    if (this.#givenUp === 0 || clock.monotonic() < this.#saidAt + SAY_EACH_MS) return;
    log.error('pings are given up: too many wait for their receiver', { count: this.#givenUp });
    this.#givenUp = 0;
    this.#saidAt = clock.monotonic();
  }
}

/** Too many requests, and faults of the server, pass; that there is no such check does not. */
function mayHelp(status: number | undefined): boolean {
  return status === undefined || status === 408 || status === 429 || status >= 500;
}

function signalOf({ outcome, error }: EventMap['runEnded']): string {
  switch (outcome) {
    case 'succeeded':
      return '';
    // It came forward, or somebody ended it: neither a success nor a failure of the job.
    case 'unfinished':
    case 'cancelled':
      return '/log';
    case 'failed': {
      const code = error?.exitCode;
      return code !== undefined && code >= 1 && code <= 255 ? `/${code}` : '/fail';
    }
    case 'killed':
    case 'timedOut':
    case 'lost':
      return '/fail';
    default:
      return outcome satisfies never;
  }
}

/**
 * The address of a signal: the path grows, whatever query there is stays, and the run is named.
 *
 * @param base a check's address
 * @param signal '' or a path that begins with a slash
 * @param runId becomes `rid`, a UUID that follows from it, so that a successor that ends the run names it alike
 * @returns a whole address
 */
export function pingUrl(base: string, signal: string, runId: string): string {
  const url = new URL(base);
  url.pathname = url.pathname.replace(/\/+$/, '') + signal;
  url.searchParams.set('rid', uuidOf(runId));
  return url.href;
}

/** Of version 5, by which a name in a space of names has one UUID for ever. This is the space of Tickwise's runs. */
const RUNS = Buffer.from('b8f6e1d25c3a4f0e9a7d3b1c6e2f4a58', 'hex');

/** @param runId any text @returns e.g. `74738ff5-5367-5958-9aee-98fffdcd1876` */
export function uuidOf(runId: string): string {
  const bytes = createHash('sha1').update(RUNS).update(runId).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function bodyOf({ outcome, reason, steps, progress, error }: EventMap['runEnded']): string {
  const how =
    progress === undefined ? '' : `, ${progress.completed}${progress.total === undefined ? '' : ` of ${progress.total}`}`;
  const lines = [`${outcome}${reason === undefined ? '' : ` (${reason})`}: ${steps} steps${how}`, progress?.message];
  return [...lines, error === undefined ? undefined : `${error.name}: ${error.message}`]
    .filter((line) => line !== undefined)
    .join('\n');
}

function cut(text: string): string {
  if (text.length * 3 <= LONGEST_BODY_BYTES) return text;
  const bytes = Buffer.from(text);
  // The stream decoder leaves out the rest of a character that was cut through.
  return bytes.length <= LONGEST_BODY_BYTES
    ? text
    : new TextDecoder().decode(bytes.subarray(0, LONGEST_BODY_BYTES), { stream: true });
}

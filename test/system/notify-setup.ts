/** An outbox in memory, a receiver on a real socket, and a log that can be waited on. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { JOB_DEFAULTS, type Job, type NotifyRule } from '../../src/core/job.ts';
import { type Delivery, type Message, type MessageDraft, NOTIFY_EVENTS, type Outbox } from '../../src/core/message.ts';
import { targetOf } from '../../src/core/plan-messages.ts';
import type { TaskLog } from '../../src/core/task.ts';
import type { Instant } from '../../src/core/time.ts';

/** Keeps messages as a store does, and tells what became of them. */
export class FakeOutbox implements Outbox {
  readonly messages: Map<number, Message> = new Map();
  readonly settled: { readonly id: number; readonly delivery: Delivery }[] = [];
  isFailing: boolean = false;
  #ids = 0;

  async enqueue(drafts: readonly MessageDraft[], at: Instant): Promise<void> {
    this.#check();
    for (const draft of drafts) {
      const id = ++this.#ids;
      this.messages.set(id, { ...draft, id, createdAt: at, attempts: 0, nextAttemptAt: at });
    }
  }

  async dueMessages(now: Instant, limit: number): Promise<readonly Message[]> {
    this.#check();
    return [...this.messages.values()].filter(({ nextAttemptAt }) => nextAttemptAt <= now).slice(0, limit);
  }

  async nextMessageAt(): Promise<Instant | undefined> {
    this.#check();
    const earliest = Math.min(...[...this.messages.values()].map(({ nextAttemptAt }) => nextAttemptAt));
    return earliest === Infinity ? undefined : earliest;
  }

  async settleMessage(id: number, delivery: Delivery): Promise<void> {
    this.#check();
    const message = this.messages.get(id);
    if (message === undefined) return;
    this.settled.push({ id, delivery });
    if (delivery.kind !== 'retry') this.messages.delete(id);
    else this.messages.set(id, { ...message, attempts: message.attempts + 1, nextAttemptAt: delivery.at });
  }

  #check(): void {
    if (this.isFailing) throw new Error('this store fails, for the test asked it to');
  }
}

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  /** Requests that came in whole, in order. */
  readonly received: Received[];
  /** Resolves when so many have come in. */
  waitFor(count: number): Promise<void>;
}

/** A receiver that answers as the test says; without an answer of its own it takes everything. */
export async function startReceiver(
  answer: (request: Received, response: ServerResponse) => void = (_, response) => void response.end(),
): Promise<Receiver> {
  const received: Received[] = [];
  const waiters: { readonly count: number; readonly resolve: () => void }[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => (body += part));
    request.on('end', () => {
      const whole = { path: request.url ?? '', headers: request.headers, body };
      received.push(whole);
      for (const { count, resolve } of waiters) if (received.length >= count) resolve();
      answer(whole, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    waitFor: (count) => new Promise((resolve) => (received.length >= count ? resolve() : waiters.push({ count, resolve }))),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface Line {
  readonly level: keyof TaskLog;
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

/** A log that keeps its lines. */
export class LineLog implements TaskLog {
  readonly lines: Line[] = [];
  #waiters: { readonly message: RegExp; readonly resolve: (line: Line) => void }[] = [];
  debug: TaskLog['debug'] = this.#writer('debug');
  info: TaskLog['info'] = this.#writer('info');
  warn: TaskLog['warn'] = this.#writer('warn');
  error: TaskLog['error'] = this.#writer('error');

  of(message: RegExp): readonly Line[] {
    return this.lines.filter((line) => message.test(line.message));
  }

  /** The first line that matches, or the next one that does. */
  waitFor(message: RegExp): Promise<Line> {
    const [line] = this.of(message);
    if (line !== undefined) return Promise.resolve(line);
    return new Promise((resolve) => void this.#waiters.push({ message, resolve }));
  }

  #writer(level: keyof TaskLog): (message: string, fields?: Record<string, unknown>) => void {
    return (message, fields = {}) => {
      const line = { level, message, fields };
      this.lines.push(line);
      for (const waiter of this.#waiters) if (waiter.message.test(message)) waiter.resolve(line);
    };
  }
}

export function jobWith(name: string, own: Partial<Job> = {}): Job {
  return {
    ...JOB_DEFAULTS,
    name,
    schedules: [{ kind: 'every', everyMs: 60_000 }],
    task: { kind: 'function', target: async () => {} },
    isolation: 'inline',
    ...own,
  };
}

/** A rule that asks for everything. */
export function ruleTo(webhook: string, own: Partial<NotifyRule> = {}): NotifyRule {
  return { on: [...NOTIFY_EVENTS], webhook, ...own };
}

export function draftTo(rule: NotifyRule, own: Partial<MessageDraft> = {}): MessageDraft {
  return {
    job: 'report',
    event: 'failed',
    target: targetOf(rule),
    body: '{"version":1,"event":"failed","runId":"run-1"}',
    ...own,
  };
}

/**
 * What is attacked: the real server, the real door, the real routes, a real scheduler over a real ledger on disk. All but the
 * metrics is as it is in a daemon.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkInput } from '../../../src/config/input-schema.ts';
import type { Control } from '../../../src/core/control.ts';
import { type Job, JOB_DEFAULTS } from '../../../src/core/job.ts';
import type { Store } from '../../../src/core/store.ts';
import type { TaskContext } from '../../../src/core/task.ts';
import { createControl } from '../../../src/engine/control.ts';
import { Scheduler } from '../../../src/engine/scheduler.ts';
import type { TokenHash } from '../../../src/http/keyring.ts';
import { createRoutes } from '../../../src/http/routes.ts';
import { type HttpServer, type HttpServerOptions, startHttpServer } from '../../../src/http/server.ts';
import { makeToken } from '../../../src/http/token.ts';
import { createInlineRunner } from '../../../src/runner/inline.ts';
import { openSqliteStore } from '../../../src/store/sqlite.ts';
import { createCalendar } from '../../../src/system/calendar.ts';
import { createSystemClock } from '../../../src/system/clock.ts';
import { type Answer, type RequestText, requestText, speak } from '../wire.ts';
import { type Hand, VICTIM } from './attack.ts';

/** It runs all the time, so that whoever can stop it is seen. */
export const STEADY = 'steady';

export interface Target extends AsyncDisposable {
  readonly server: HttpServer;
  readonly port: number;
  readonly store: Store;
  readonly control: Control;
  readonly tokens: Readonly<Record<Hand, string>>;
  /** How many runs of the victim were ever live at once. */
  readonly mostAtOnce: () => number;
  /** Lines of the log, as they would be written. */
  readonly lines: string[];
  /** All that the ledger knows, as text. */
  ledger(): Promise<string>;
  ask(request: RequestText, as?: Hand): Promise<Answer>;
  /** Ends all runs of the victim. */
  release(): void;
}

/** Starts it on a free port of loopback, with one run live and one ended. */
export async function startTarget(options: Partial<HttpServerOptions> = {}): Promise<Target> {
  await using opening = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'tickwise-attacks-'));
  opening.defer(() => rmSync(folder, { recursive: true }));
  const clock = createSystemClock();
  const calendar = createCalendar();
  const node = { id: 'c0ffee00c0ffee00', host: 'h', bootId: 'b', pid: process.pid, pidStart: 1, startedAt: clock.now() };
  const store = opening.use(await openSqliteStore({ path: join(folder, 'ledger.db'), node }));
  const runner = createInlineRunner(clock, ({ job }) => job.task.kind === 'function' && job.task.target);
  const scheduler = new Scheduler({ clock, calendar, store, runnerFor: () => runner, concurrency: 16, random: Math.random });
  const metrics = (): ReturnType<Control['metrics']> => Promise.resolve({ contentType: 'text/plain', text: '' });
  const control = opening.use(createControl({ scheduler, store, clock, calendar, node, version: '0.0.0', checkInput, metrics }));
  const work = new Work();
  await scheduler.start([work.job(VICTIM), work.job('strict', { inputSchema: STRICT }), work.job(STEADY)]);
  opening.defer(async () => {
    work.release();
    await scheduler.stop(0);
  });
  const { tokens, hashes } = makeTokens();
  const lines: string[] = [];
  const line = (message: string, fields: Record<string, unknown> = {}): void =>
    void lines.push(JSON.stringify({ message, ...fields }));
  const server = opening.use(
    await startHttpServer({
      app: createRoutes(control, { clock }),
      listen: { kind: 'tcp', host: '127.0.0.1', port: 0 },
      tokens: hashes,
      log: { debug: line, info: line, warn: line, error: line },
      clock,
      ...options,
    }),
  );
  await control.submit({ job: VICTIM, by: 'setup' });
  for (const runId of await control.cancelJob(VICTIM, 'setup')) await control.waitForEnd(runId, new AbortController().signal);
  await control.submit({ job: STEADY, by: 'setup' });
  const parts = opening.move();
  return {
    server,
    port: server.port,
    store,
    control,
    tokens,
    lines,
    mostAtOnce: () => work.mostAtOnce,
    ledger: () => ledgerOf(store),
    ask: (request, as = 'admin') => speak(server, requestText(server, signed(request, tokens[as]))),
    release: () => work.release(),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

const STRICT = {
  type: 'object',
  properties: { name: { type: 'string', pattern: '^[a-z]+$', maxLength: 10 } },
  required: ['name'],
  additionalProperties: false,
};

/** The right token goes with a request that says nothing of it. */
export function signed(request: RequestText, token: string): RequestText {
  return token === '' ? request : { ...request, headers: { Authorization: `Bearer ${token}`, ...request.headers } };
}

function makeTokens(): { tokens: Record<Hand, string>; hashes: TokenHash[] } {
  const made = { reader: makeToken(), runner: makeToken(), admin: makeToken() };
  const scopes = { reader: 'read', runner: 'run', admin: 'admin' } as const;
  const hashes = (['reader', 'runner', 'admin'] as const).map((name) => ({
    name,
    hash: made[name].hash,
    scopes: [scopes[name]],
  }));
  return { tokens: { nobody: '', reader: made.reader.token, runner: made.runner.token, admin: made.admin.token }, hashes };
}

/** Runs that go on until they are stopped or released, and count themselves. */
class Work {
  mostAtOnce = 0;
  #live = 0;
  readonly #releases = new Set<() => void>();

  job(name: string, own: Partial<Job> = {}): Job {
    const target = (context: TaskContext): Promise<boolean> => this.#run(context);
    return { ...JOB_DEFAULTS, name, task: { kind: 'function', target: { handleTimeoutTask: target } }, ...own };
  }

  release(): void {
    for (const release of this.#releases) release();
  }

  async #run({ signal, job }: TaskContext): Promise<boolean> {
    if (job === VICTIM) this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#live);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#releases.add(resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (!signal.aborted) await promise;
    this.#releases.delete(resolve);
    if (job === VICTIM) this.#live -= 1;
    return true;
  }
}

async function ledgerOf(store: Store): Promise<string> {
  const runs = await store.runs({ limit: 1_000 });
  return JSON.stringify(
    { slots: await store.slots(), runs, live: await store.liveRuns(), tallies: await store.tallies() },
    null,
    1,
  );
}

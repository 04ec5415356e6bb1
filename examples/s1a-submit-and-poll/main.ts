/**
 * S1a. Submit and poll: a slow POST becomes two calls. POST starts the run and returns at once with the address to ask;
 * GET of that address says how far it is, and in the end gives the result or the error.
 *
 * (Tickwise's own HTTP API will do the same for every job; this is how to do it inside your own server.)
 */
import { setTimeout as delay } from 'node:timers/promises';
import { createScheduler, type RunEnd, type TaskContext } from '../../src/index.ts';
import { answer, listen, type LocalServer, readJson } from '../local-server.ts';
import { Stopwatch } from '../stopwatch.ts';

/** What GET answers. */
export interface RunView {
  readonly state: string;
  readonly result?: unknown;
  readonly error?: string;
}

interface ReportInput {
  readonly seconds: number;
  readonly fails?: boolean;
}

/** A server whose report takes long. */
export async function startReportServer(watch: Stopwatch): Promise<LocalServer> {
  await using parts = new AsyncDisposableStack();
  const scheduler = parts.use(
    createScheduler({
      store: 'memory:',
      listen: false,
      shutdownGrace: '0s',
      jobs: { report: { task: (context: TaskContext<never, ReportInput>) => makeReport(context, watch), budget: '1m' } },
    }),
  );
  // What pollers are told. The scheduler tells every change as an event; keep what you want to show (here: all of it).
  const views = new Map<string, RunView>();
  scheduler.on('runStarted', ({ runId }) => views.set(runId, { state: 'running' }));
  scheduler.on('runEnded', (end) => views.set(end.runId, viewOf(end)));
  await scheduler.start();

  const server = parts.use(
    await listen(async (request, response) => {
      if (request.method === 'POST' && request.url === '/reports') {
        // Resolves when the run is started and durable, not when it has ended.
        const asked = await scheduler.trigger('report', { input: await readJson(request) });
        if (asked.kind !== 'refused') {
          return answer(response, 202, { run: asked.runId }, { location: `/reports/${asked.runId}` });
        }
        // One report at a time: the caller is led to the one that is live.
        return answer(response, 409, { reason: asked.reason }, { location: `/reports/${asked.liveRunId}` });
      }
      const view = views.get(request.url?.replace('/reports/', '') ?? '');
      return view === undefined ? answer(response, 404, { error: 'no such run' }) : answer(response, 200, view);
    }),
  );
  const owned = parts.move();
  return { url: server.url, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function makeReport({ input, sleep }: TaskContext<never, ReportInput>, watch: Stopwatch): Promise<unknown> {
  await sleep(watch.ms(input.seconds));
  if (input.fails === true) throw new Error('the numbers do not add up');
  return { pages: 12 };
}

function viewOf({ outcome, result, error }: RunEnd): RunView {
  return {
    state: outcome,
    ...(result === undefined ? {} : { result: JSON.parse(result) as unknown }),
    ...(error === undefined ? {} : { error: error.message }),
  };
}

/** What came out. */
export interface Submission {
  readonly status: number;
  /** When POST returned, and when GET first told an end, in seconds. */
  readonly submittedAt: number;
  readonly endSeenAt: number;
  /** Each state that polling saw, once, in order. */
  readonly states: readonly string[];
  readonly last: RunView;
  /** What a second POST was told while the first report was live. */
  readonly secondStatus: number;
}

/** Posts one report, posts another one at once, and polls the first each half second until it has ended. */
export async function submitAndPoll(url: string, input: ReportInput, watch: Stopwatch = new Stopwatch()): Promise<Submission> {
  const post = (): Promise<Response> => fetch(`${url}/reports`, { method: 'POST', body: JSON.stringify(input) });
  const started = watch.seconds;
  const submitted = await post();
  const submittedAt = watch.seconds - started;
  const second = await post();
  const states: string[] = [];
  for (;;) {
    const polled = await fetch(new URL(submitted.headers.get('location') ?? '', url));
    const last = (await polled.json()) as RunView;
    if (states.at(-1) !== last.state) states.push(last.state);
    if (last.state !== 'running') {
      const endSeenAt = Math.round((watch.seconds - started) * 10) / 10;
      return { status: submitted.status, submittedAt, endSeenAt, states, last, secondStatus: second.status };
    }
    await delay(watch.ms(0.5));
  }
}

if (import.meta.main) {
  const watch = new Stopwatch();
  await using server = await startReportServer(watch);
  for (const input of [{ seconds: 2 }, { seconds: 1, fails: true }]) {
    const seen = await submitAndPoll(server.url, input);
    console.log(`POST of ${input.seconds} s of work: ${seen.status} after ${seen.submittedAt.toFixed(1)} s`);
    console.log(`  a second POST meanwhile: ${seen.secondStatus}, with the address of the live one`);
    console.log(`  GET saw ${seen.states.join(' → ')} at ${seen.endSeenAt} s: ${JSON.stringify(seen.last)}`);
  }
}

/** A real scheduler behind the real server: functions as jobs, a store in memory, a port of the kernel's choice. */
import type { Control } from '../../src/core/control.ts';
import { type Job, JOB_DEFAULTS } from '../../src/core/job.ts';
import type { TaskContext } from '../../src/core/task.ts';
import { createControl } from '../../src/engine/control.ts';
import { Scheduler } from '../../src/engine/scheduler.ts';
import { createRoutes } from '../../src/http/routes.ts';
import { type HttpServer, startHttpServer } from '../../src/http/server.ts';
import { createInlineRunner } from '../../src/runner/inline.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { createCalendar } from '../../src/system/calendar.ts';
import { createSystemClock } from '../../src/system/clock.ts';

export interface LiveServer extends AsyncDisposable {
  readonly url: string;
  readonly control: Control;
}

/** Starts it. @param tasks by the names of their jobs, which have no schedule of their own */
export async function startLiveServer(
  tasks: Readonly<Record<string, (context: TaskContext) => unknown>>,
  own: Partial<Job> = {},
): Promise<LiveServer> {
  await using opening = new AsyncDisposableStack();
  const clock = createSystemClock();
  const calendar = createCalendar();
  const node = { id: 'c0ffee00c0ffee00', host: 'h', bootId: 'b', pid: 1, pidStart: 1, startedAt: clock.now() };
  const store = opening.use(createMemoryStore({ node }));
  const runner = createInlineRunner(clock, ({ job }) => job.task.kind === 'function' && job.task.target);
  const scheduler = new Scheduler({ clock, calendar, store, runnerFor: () => runner, concurrency: 16, random: Math.random });
  const control = opening.use(
    createControl({
      scheduler,
      store,
      clock,
      calendar,
      node,
      version: '0.0.0',
      checkInput: (_, input) => (typeof input === 'string' ? 'input: expected an object' : undefined),
      metrics: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4', text: 'tickwise_runs_live 0\n' }),
    }),
  );
  await scheduler.start(
    Object.entries(tasks).map(([name, target]) => ({ ...JOB_DEFAULTS, name, task: { kind: 'function', target }, ...own })),
  );
  opening.defer(async () => void (await scheduler.stop(0)));
  const server = opening.use(await serve(control));
  const parts = opening.move();
  return { url: `http://127.0.0.1:${server.port}`, control, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

/** The real server over any control. @param control real or not */
export function serve(control: Control): Promise<HttpServer> {
  const clock = createSystemClock();
  return startHttpServer({
    app: createRoutes(control, { clock }),
    listen: { kind: 'tcp', host: '127.0.0.1', port: 0 },
    tokens: [],
    log: { debug() {}, info() {}, warn() {}, error() {} },
    clock,
  });
}

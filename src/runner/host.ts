/**
 * The program of a host: a thread or a child process that runs the steps of modules, one attempt at a time, for the daemon
 * that started it. It keeps the bounds of a run as the inline loop does; whoever started it keeps them again from outside,
 * with force, for here user code may block the thread at any line.
 *
 * What it cannot see: timers, sockets and promises that a task left behind go on in it, beside the next run of the same job.
 * An error that such a remnant throws fails whatever run is under way, and ends the host.
 */
import { isMainThread, Worker } from 'node:worker_threads';
import { errorRecord } from '../core/errors.ts';
import type { AttemptEnd, RunObserver, RunOrder } from '../core/ports.ts';
import { JOB_DEFAULTS } from '../core/job.ts';
import { addDurations } from '../core/step-durations.ts';
import { RunLoop } from '../engine/run-loop.ts';
import { SharedTurn } from '../engine/turn.ts';
import { openPortChannel, openSocketChannel } from './host-channel.ts';
import { createHostClock } from './host-clock.ts';
import { captureStreams, HostOutput } from './host-output.ts';
import { StepReport } from './host-report.ts';
import { importTask } from './module.ts';
import { copyProgress, type HostOrder, type ToHost } from './protocol.ts';

/** How much later than budget + grace the watchdog acts: the daemon comes first. */
const WATCHDOG_MARGIN_MS = 1_000;
const SHORTEST_BEAT_MS = 5;

/** The attempt that is under way. */
interface Live {
  readonly order: HostOrder;
  readonly output: HostOutput;
  readonly report: StepReport;
  loop: RunLoop | undefined;
  beat: NodeJS.Timeout | undefined;
  spoiled: boolean;
}

const clock = createHostClock();
const turn = new SharedTurn(clock);
/** Tasks by module and export: asking Node again costs a turn of the event loop. */
const tasks = new Map<string, unknown>();
const watchdogDeadline = new Float64Array(new SharedArrayBuffer(8));
let live: Live | undefined;

const channel = isMainThread ? openSocketChannel(receive, daemonLost) : openPortChannel(receive);
const endStreams = captureStreams(() => live?.output);
process.on('uncaughtException', crash);
process.on('exit', flush);
if (isMainThread) startWatchdog();

function receive(message: ToHost): void {
  switch (message.type) {
    case 'run':
      begin(message.order);
      return;
    case 'stop':
      if (live?.order.attemptId === message.attemptId) live.loop?.stop(message.reason);
      return;
    case 'windDown':
      if (live?.order.attemptId === message.attemptId) live.loop?.windDown();
      return;
    case 'saved':
      if (live?.order.attemptId === message.attemptId) live.loop?.saved(message.step);
      return;
    case 'exit':
      process.exit(0);
      return;
    default:
      message satisfies never;
  }
}

function begin(order: HostOrder): void {
  const { attemptId } = order;
  channel.send({ type: 'began', attemptId });
  const output = new HostOutput(attemptId, channel.send);
  const attempt: Live = {
    order,
    output,
    report: new StepReport(attemptId, channel.send),
    loop: undefined,
    beat: undefined,
    spoiled: false,
  };
  live = attempt;
  if (isMainThread) {
    // What the task starts from here on carries the id of the run, by which it is found even after the daemon was killed.
    process.env['TICKWISE_RUN_ID'] = order.runId;
    watchdogDeadline[0] = order.budgetEndHr + order.graceMs + WATCHDOG_MARGIN_MS;
  }
  const loop = new RunLoop(() => find(attempt), runOrderOf(order), observerOf(attempt), { clock, turn });
  attempt.loop = loop;
  void loop.ended.then((end) => finish(attempt, end));
}

/** The task: at once if this thread has it already, so that a short run needs no turn of the event loop. */
function find(attempt: Live): unknown {
  const { module, export: name, job, stepTimeoutMs } = attempt.order;
  const key = `${module}\0${name}`;
  const known = tasks.get(key);
  if (known !== undefined) {
    startBeat(attempt, stepTimeoutMs);
    return known;
  }
  return importTask(module, name, job).then(
    (task) => {
      tasks.set(key, task);
      startBeat(attempt, stepTimeoutMs);
      return task;
    },
    (error: unknown) => {
      attempt.spoiled = true;
      throw error;
    },
  );
}

/** While beats come, the loop's own step timer works; when they stop for longer than a step may take, a step blocks the thread. */
function startBeat(attempt: Live, stepTimeoutMs: number | undefined): void {
  if (stepTimeoutMs === undefined || live !== attempt) return;
  const { attemptId } = attempt.order;
  channel.send({ type: 'beat', attemptId });
  attempt.beat = setInterval(() => channel.send({ type: 'beat', attemptId }), Math.max(SHORTEST_BEAT_MS, stepTimeoutMs / 8));
}

function observerOf(attempt: Live): RunObserver {
  const { attemptId } = attempt.order;
  return {
    stepped: (update) => attempt.report.stepped(update),
    stopping(reason) {
      flush();
      channel.send({ type: 'stopping', attemptId, reason });
    },
    stalled: () => channel.send({ type: 'stalled', attemptId }),
    blocked() {},
    line(level, source, text, fields) {
      // A task may go on writing after its run has ended; that belongs to nobody.
      if (live === attempt) attempt.output.line(level, source, text, fields);
    },
  };
}

function finish(attempt: Live, end: AttemptEnd): void {
  clearInterval(attempt.beat);
  endStreams();
  attempt.output.flush();
  const durations = addDurations(attempt.report.drop(), end.durations);
  live = undefined;
  watchdogDeadline[0] = 0;
  const plainEnd = { ...end, progress: copyProgress(end.progress), durations };
  channel.send({ type: 'ended', attemptId: attempt.order.attemptId, end: plainEnd, spoiled: attempt.spoiled });
}

/** An error that nobody caught, a rejected promise included. What state it left the thread in, nobody knows. */
function crash(thrown: unknown): void {
  const attemptId = live?.order.attemptId;
  flush();
  if (attemptId !== undefined) channel.send({ type: 'crashed', attemptId, error: errorRecord(thrown) });
  process.exit(1);
}

function flush(): void {
  if (live === undefined) return;
  live.report.flush();
  live.output.flush();
}

/** The daemon was killed: the run is asked to stop, and gets its grace, but no more. */
function daemonLost(): void {
  if (live?.loop === undefined) process.exit(0);
  const { order, loop } = live;
  const graceEndHr = clock.originHr + clock.monotonic() + order.graceMs;
  watchdogDeadline[0] = Math.min(watchdogDeadline[0] ?? 0, graceEndHr + WATCHDOG_MARGIN_MS);
  clock.setTimer(graceEndHr - clock.originHr, () => process.kill(process.pid, 'SIGKILL'));
  void loop.ended.then(() => process.exit(0));
  loop.stop({ kind: 'shutdown' });
}

function startWatchdog(): void {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  new Worker(new URL(`./host-watchdog.${extension}`, import.meta.url), {
    workerData: { deadlineHr: watchdogDeadline, sleep: new Int32Array(new SharedArrayBuffer(4)) },
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
  }).unref();
}

function runOrderOf(order: HostOrder): RunOrder {
  return {
    job: { ...JOB_DEFAULTS, name: order.job, task: { kind: 'module', module: order.module, export: order.export } },
    runId: order.runId,
    tick: order.tick,
    fence: order.fence,
    attempt: order.attempt,
    input: order.input === undefined ? undefined : (JSON.parse(order.input) as unknown),
    checkpoint: order.checkpoint,
    deadline: order.deadline,
    budgetEnd: order.budgetEndHr - clock.originHr,
    graceMs: order.graceMs,
    stepTimeoutMs: order.stepTimeoutMs,
    awaitsSaves: order.awaitsSaves,
  };
}

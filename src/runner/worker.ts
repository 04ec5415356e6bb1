/**
 * Steps in threads of their own, kept warm between runs. The proof of the end is the thread's `exit` event.
 *
 * Limits. A thread shares the daemon's memory space: a native crash in it takes the daemon along. `terminate()` interrupts
 * JavaScript wherever it is, and waits for native code that blocks; a program that the thread started and waits for
 * synchronously is killed, so that the wait ends.
 */
import { readFileSync } from 'node:fs';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { errorRecord, type ErrorRecord } from '../core/errors.ts';
import type { Clock, Runner } from '../core/ports.ts';
import type { DurationMs } from '../core/time.ts';
import { createModuleRunner } from './module-runner.ts';
import type { Host, HostListener } from './pool.ts';
import { parseFromHost, type ToHost } from './protocol.ts';
import { keepWasmCallsUnshared } from './wasm-calls.ts';

/** What a worker runner is made of. */
export interface WorkerRunnerOptions {
  readonly clock: Clock;
  /** The most threads at once. */
  readonly concurrency: number;
  /** An idle thread ends after this; a minute unless given. */
  readonly maxIdleMs?: DurationMs;
  /** The heap of a thread, in MiB; a run that needs more fails. Node's own limit unless given. */
  readonly heapLimitMb?: number;
}

/**
 * Makes the runner of `worker` isolation. Only modules can run in it.
 *
 * @param options see {@link WorkerRunnerOptions}
 * @returns a runner; disposing it stops what is live by force, ends all threads, and waits for the proof. Never throws
 */
export function createWorkerRunner(options: WorkerRunnerOptions): Runner {
  keepWasmCallsUnshared();
  return createModuleRunner(options, () => new ThreadHost(options.heapLimitMb));
}

const HOST_URL = new URL(import.meta.url.endsWith('.ts') ? './host.ts' : './host.js', import.meta.url);

class ThreadHost implements Host {
  readonly what = 'thread';
  readonly gone: Promise<void>;
  isGone = false;
  readonly #port: MessagePort;
  readonly #worker: Worker;
  #listener: HostListener | undefined;
  #error: ErrorRecord | undefined;
  #kernelId: number | undefined;

  constructor(heapLimitMb: number | undefined) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    // Nothing of how the daemon was started is passed on: a loader given with `--import` is not for the tasks.
    this.#worker = new Worker(HOST_URL, {
      name: 'tickwise-host',
      workerData: { port: port2 },
      transferList: [port2],
      execArgv: [],
      stdout: true,
      stderr: true,
      ...(heapLimitMb === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: heapLimitMb } }),
    });
    port1.on('message', (value: unknown) => this.#receive(value));
    this.#worker.stdout.setEncoding('utf8').on('data', (chunk: string) => this.#listener?.output('stdout', chunk));
    this.#worker.stderr.setEncoding('utf8').on('data', (chunk: string) => this.#listener?.output('stderr', chunk));
    this.#worker.on('error', (thrown: unknown) => {
      this.#error = errorRecord(thrown);
    });
    this.gone = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        this.#drain();
        this.isGone = true;
        this.#listener?.gone({ code, signal: null, error: this.#error });
        this.#listener = undefined;
        resolve();
      });
    });
  }

  send(message: ToHost): void {
    this.#port.postMessage(message);
  }

  listen(listener: HostListener | undefined): void {
    this.#listener = listener;
  }

  leftover(): undefined {}

  terminate(): void {
    this.kill();
  }

  kill(): void {
    if (this.isGone) return;
    killChildrenOf(this.#kernelId);
    void this.#worker.terminate();
  }

  #receive(value: unknown): void {
    if (typeof value === 'number') {
      this.#kernelId = value;
      return;
    }
    const message = parseFromHost(value);
    if (message !== undefined) this.#listener?.message(message);
  }

  /** What the thread posted before it ended may be told after its end; it counts, the last checkpoint above all. */
  #drain(): void {
    for (let held = receiveMessageOnPort(this.#port); held !== undefined; held = receiveMessageOnPort(this.#port)) {
      this.#receive(held.message);
    }
    this.#port.close();
  }
}

/** Programs that this thread, and no other, has started and that are its direct children. */
function killChildrenOf(kernelId: number | undefined): void {
  if (kernelId === undefined || !(kernelId > 0)) return;
  try {
    const children = readFileSync(`/proc/self/task/${kernelId}/children`, 'latin1');
    for (const pid of children.split(' ')) if (pid.trim() !== '') process.kill(Number(pid), 'SIGKILL');
  } catch {
    // The thread is gone, or the kernel does not tell.
  }
}

/**
 * Steps in child processes, kept warm between runs. A child leads a session of its own, and is the root of a process tree.
 *
 * Proof that a child may serve another run: its loop has settled, and it has started no process since it was last proved alone
 * (see `host-forks.ts`), or the tree holds nobody but the child. Proof of its end: its `exit` event, an empty tree, and the
 * channel read to its end.
 *
 * When the daemon is killed: the channel closes, the child asks its run to stop and exits, after the grace at the latest; if its
 * main thread is blocked, its watchdog thread ends its process group at budget + grace + 1 s. A successor finds the
 * child by the daemon's node id, and what the run has started by the run's id, both in the environment.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { errorRecord, type ErrorRecord } from '../core/errors.ts';
import type { Clock, Runner } from '../core/ports.ts';
import type { DurationMs } from '../core/time.ts';
import { CHANNEL_FD, MessageReader } from './host-channel.ts';
import { ForkWatch } from './host-forks.ts';
import { createModuleRunner } from './module-runner.ts';
import type { Host, HostListener } from './pool.ts';
import { createProcessTrees, type ProcessTree, type ProcessTrees } from './process-tree.ts';
import { LARGEST_MESSAGE, parseFromHost, type ToHost } from './protocol.ts';

/** What a process runner is made of. */
export interface ProcessRunnerOptions {
  readonly clock: Clock;
  /** The most children at once. */
  readonly concurrency: number;
  /** An idle child ends after this; a minute unless given. */
  readonly maxIdleMs?: DurationMs;
  /** How processes are found and proved dead; the strongest way that this machine has, unless given. Its giver disposes it. */
  readonly trees?: ProcessTrees;
  /** The daemon's node id, which all children carry as `TICKWISE_NODE_ID`, so that a successor finds them. */
  readonly nodeId?: string;
}

/**
 * Makes the runner of `process` isolation for modules.
 *
 * @param options see {@link ProcessRunnerOptions}
 * @returns a runner; disposing it stops what is live by force, ends all children, and waits for the proof. Never throws
 */
export function createProcessRunner(options: ProcessRunnerOptions): Runner {
  const trees = options.trees ?? createProcessTrees();
  const closed = async (): Promise<void> => {
    if (options.trees === undefined) await trees[Symbol.asyncDispose]();
  };
  return createModuleRunner(options, () => new ChildHost(trees, options.nodeId), closed);
}

const HOST_PATH = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './host.ts' : './host.js', import.meta.url));
/** A process that is about to exit anyway gets these pauses before it counts as left behind. */
const SETTLE_MS = [5, 20, 75];
/** How long the proof is waited for between two signals. */
const ROUND_MS = 1_000;
/** A socket that a dead process leaves open was inherited by somebody outside the tree; its messages do not matter. */
const DRAIN_MS = 1_000;

class ChildHost implements Host {
  readonly gone: Promise<void>;
  isGone = false;
  readonly #tree: ProcessTree;
  readonly #isWarm: boolean;
  readonly #child: ChildProcess;
  readonly #channel: Socket;
  readonly #forks: ForkWatch;
  #listener: HostListener | undefined;
  #error: ErrorRecord | undefined;
  #isKilled = false;

  constructor(trees: ProcessTrees, nodeId: string | undefined) {
    const id = `host-${randomUUID()}`;
    this.#tree = trees.open(id, 'TICKWISE_HOST_ID');
    // A process group does not tell who is in it, so nothing is proved while its leader lives.
    this.#isWarm = trees.kind !== 'group';
    const { command, env } = this.#tree.wrap([process.execPath, HOST_PATH]);
    const [program = process.execPath, ...args] = command;
    this.#child = spawn(program, args, {
      detached: true,
      env: { ...hostEnvironment(process.env), ...env, ...(nodeId === undefined ? {} : { TICKWISE_NODE_ID: nodeId }) },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    this.#channel = this.#child.stdio[CHANNEL_FD] as Socket;
    const pid = this.#child.pid ?? 0;
    if (pid > 0) this.#tree.started(pid);
    this.#forks = new ForkWatch(pid);
    this.gone = this.#live();
  }

  get what(): string {
    return this.#child.pid === undefined ? 'process' : `process ${this.#child.pid}`;
  }

  send(message: ToHost): void {
    if (this.#channel.writable) this.#channel.write(`${JSON.stringify(message)}\n`);
  }

  listen(listener: HostListener | undefined): void {
    this.#listener = listener;
  }

  leftover(): Promise<string | undefined> | undefined {
    return this.#isWarm && this.#forks.isChildless() ? undefined : this.#lookForLeftover();
  }

  terminate(): void {
    void this.#signal('SIGTERM');
  }

  kill(): void {
    if (this.isGone) return;
    this.#isKilled = true;
    this.#child.kill('SIGKILL');
    void this.#signal('SIGKILL');
  }

  async #lookForLeftover(): Promise<string | undefined> {
    if (!this.#isWarm) return 'a process group that cannot be looked into';
    for (const pauseMs of [0, ...SETTLE_MS]) {
      if (pauseMs > 0) await delay(pauseMs);
      this.#forks.acknowledge();
      const members = await this.#tree.members().catch(() => [Number.NaN]);
      const others = members.filter((pid) => pid !== this.#child.pid);
      if (others.length === 0) return undefined;
      if (pauseMs === SETTLE_MS.at(-1)) return `${others.length === 1 ? 'process' : 'processes'} ${others.join(', ')} behind`;
    }
    return undefined;
  }

  /** From the first sign of life to the proof of death. */
  async #live(): Promise<void> {
    const child = this.#child;
    const reader = new MessageReader((value) => this.#receive(value), LARGEST_MESSAGE);
    this.#channel.setEncoding('utf8').on('data', (chunk: string) => {
      if (reader.write(chunk)) return;
      this.#error ??= { name: 'ProtocolError', message: 'it wrote something else than messages to its channel' };
      this.#channel.destroy();
      this.kill();
    });
    this.#channel.on('error', () => undefined);
    const drained = new Promise((resolve) => this.#channel.once('close', resolve));
    this.#listenTo('stdout', child.stdout);
    this.#listenTo('stderr', child.stderr);
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
      child.once('exit', (...exit) => resolve(exit));
      child.once('error', (error) => {
        this.#error ??= errorRecord(error);
        if (child.pid === undefined) resolve([null, null]);
      });
    });
    await this.#proveEmpty();
    const inherited = setTimeout(() => this.#channel.destroy(), DRAIN_MS);
    await drained;
    clearTimeout(inherited);
    this.isGone = true;
    this.#listener?.gone({ code, signal, error: this.#error });
    this.#listener = undefined;
    this.#channel.destroy();
    child.stdout?.destroy();
    child.stderr?.destroy();
  }

  /** What outlived the child is asked to end, then stopped by force, again and again: without proof there is no end. */
  async #proveEmpty(): Promise<void> {
    for (let round = 0; !(await this.#isEmpty(round === 0 ? 0 : ROUND_MS)); round++) {
      await this.#signal(round === 0 && !this.#isKilled ? 'SIGTERM' : 'SIGKILL');
    }
    await this.#tree.dispose().catch(() => undefined);
  }

  /** A sweep that fails proves nothing, and is tried again. */
  async #isEmpty(waitMs: DurationMs): Promise<boolean> {
    try {
      return await this.#tree.waitEmpty(waitMs);
    } catch {
      await delay(ROUND_MS);
      return false;
    }
  }

  async #signal(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    // What this attempt did not reach, the next one will: the proof is asked for, and force repeated, until there is one.
    await this.#tree.signal(signal).catch(() => undefined);
  }

  #listenTo(source: 'stdout' | 'stderr', stream: Readable | null): void {
    stream?.setEncoding('utf8').on('data', (chunk: string) => this.#listener?.output(source, chunk));
    stream?.on('error', () => undefined);
  }

  #receive(value: unknown): void {
    const message = parseFromHost(value);
    if (message !== undefined) this.#listener?.message(message);
  }
}

const INHERITED = ['PATH', 'HOME', 'LANG', 'TZ'];
/** Node's own bookkeeping with its children, and words that name secrets (`NODE_AUTH_TOKEN`). */
const NOT_INHERITED = /^NODE_(CHANNEL_|UNIQUE_ID)|TOKEN|SECRET|PASS|AUTH|_KEY/;

/**
 * The environment of a child: how to find programs, where it stands, how Node is set up; nothing else of the daemon's.
 *
 * @param base the daemon's own
 * @returns a new object; never throws
 */
export function hostEnvironment(base: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(base)) {
    if (value === undefined) continue;
    if (INHERITED.includes(name) || (name.startsWith('NODE_') && !NOT_INHERITED.test(name))) environment[name] = value;
  }
  return environment;
}

/**
 * The tree of contexts. A node is linked to its parent by hand and unlinked when it ends: `AbortSignal.any` would keep some
 * 1.3 kB for each derivation for as long as the parent lives, and a daemon's parent lives for ever.
 *
 * A node's AbortController is made when somebody first looks at its `signal`, and its timer only when it ends before its parent
 * does. Time is judged by the monotonic clock; the wall clock is for people.
 */
import type { ChildContext, Gather, Lease, TaskGroup } from '../core/context.ts';
import { TickwiseError } from '../core/errors.ts';
import type { Clock, Timer } from '../core/ports.ts';
import type { DurationMs, Instant, MonotonicMs } from '../core/time.ts';
import { boundFetch } from './bound-fetch.ts';
import { gather } from './gather.ts';
import { lockNamed } from './named-lock.ts';
import { sleep } from './sleep.ts';
import { onAbort } from './on-abort.ts';
import { openGroup } from './task-group.ts';

/** Where values are looked up; a Map is one. */
export type Values = Pick<ReadonlyMap<string | symbol, unknown>, 'get'>;

/** What a root is made with. */
export interface RootOptions {
  readonly clock: Clock;
  /** Aborting it cancels the root, with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** What `value` sees. */
  readonly values?: Values | undefined;
  /** When its time is over, on the monotonic clock; whoever gives it cancels the root then. No limit unless given. */
  readonly end?: MonotonicMs | undefined;
  /** The same instant for people; made from `end` unless given. */
  readonly deadline?: Instant | undefined;
}

/**
 * Makes the root of a tree.
 *
 * @param options see {@link RootOptions}
 * @returns a context that lives until it is cancelled or disposed of
 */
export function createRoot(options: RootOptions): ChildContext {
  const { clock, signal, values, end = Infinity } = options;
  const deadline = options.deadline ?? wallOf(clock, end);
  const root = new ContextNode(clock, undefined, end, deadline, values);
  if (signal !== undefined) root.follow(signal);
  return root;
}

class ContextNode implements ChildContext {
  readonly deadline: Instant;
  readonly #clock: Clock;
  readonly #end: MonotonicMs;
  readonly #values: Values | undefined;
  #parent: ContextNode | undefined;
  #children: Set<ContextNode> | undefined;
  #controller: AbortController | undefined;
  #timer: Timer | undefined;
  #unfollow: (() => void) | undefined;
  #cancelled = false;
  #reason: unknown;

  constructor(clock: Clock, parent: ContextNode | undefined, end: MonotonicMs, deadline: Instant, values: Values | undefined) {
    this.deadline = deadline;
    this.#clock = clock;
    this.#end = end;
    this.#values = values;
    if (parent === undefined) return;
    if (parent.#cancelled) {
      this.#cancelled = true;
      this.#reason = parent.#reason;
      return;
    }
    this.#parent = parent;
    parent.#children ??= new Set();
    parent.#children.add(this);
    if (end >= parent.#end) return;
    if (end <= clock.monotonic()) this.#cancel(deadlineExceeded(deadline));
    else this.#timer = clock.setTimer(end, () => this.#cancel(deadlineExceeded(deadline)));
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#cancelled) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  // These are given out bound, and made only when asked for: people take them out of their context, as in `({ sleep }) => …`.

  get remainingMs(): () => DurationMs {
    return () => Math.max(0, this.#end - this.#clock.monotonic());
  }

  get value(): (key: string | symbol) => unknown {
    return (key) => this.#values?.get(key);
  }

  get sleep(): (ms: DurationMs) => Promise<void> {
    return (ms) => sleep(this.#clock, ms, this);
  }

  get fetch(): typeof globalThis.fetch {
    return boundFetch(this);
  }

  get cancel(): (reason?: unknown) => void {
    return (reason) => this.#cancel(reason ?? new TickwiseError('CONTEXT_CANCELLED', 'the context was cancelled'));
  }

  get withCancel(): () => ChildContext {
    return () => this.#derive(this.#end, this.deadline, this.#values);
  }

  get withDeadline(): (at: Instant) => ChildContext {
    return (at) => this.#bounded(this.#clock.monotonic() + (at - this.#clock.now()), at);
  }

  get withTimeout(): (ms: DurationMs) => ChildContext {
    return (ms) => this.#bounded(this.#clock.monotonic() + ms, Math.ceil(this.#clock.now() + ms));
  }

  get withValue(): (key: string | symbol, value: unknown) => ChildContext {
    return (key, value) => this.#derive(this.#end, this.deadline, new ValueBelow(key, value, this.#values));
  }

  get detached(): () => ChildContext {
    return () => new ContextNode(this.#clock, undefined, Infinity, Infinity, this.#values);
  }

  get lock(): (name: string) => Promise<Lease> {
    return (name) => lockNamed(name, this);
  }

  get group(): () => TaskGroup {
    return () => openGroup(this);
  }

  get gather(): Gather {
    return ((works, options) => gather(this, works, options as { mode: 'all' })) as Gather;
  }

  [Symbol.dispose](): void {
    this.#cancel(scopeLeft);
  }

  /** Cancels this root when the signal aborts. */
  follow(signal: AbortSignal): void {
    if (signal.aborted) this.#cancel(signal.reason);
    else this.#unfollow = onAbort(signal, () => this.#cancel(signal.reason));
  }

  #bounded(end: MonotonicMs, deadline: Instant): ContextNode {
    if (Number.isNaN(end)) throw new RangeError('a context was given a deadline that is not a number');
    const stricter = end < this.#end;
    return this.#derive(stricter ? end : this.#end, stricter ? deadline : this.deadline, this.#values);
  }

  #derive(end: MonotonicMs, deadline: Instant, values: Values | undefined): ContextNode {
    return new ContextNode(this.#clock, this, end, deadline, values);
  }

  /** All that are below know it before anybody is told: a listener never sees a child that is looser than its parent. */
  #cancel(reason: unknown): void {
    if (this.#cancelled) return;
    this.#unlink();
    const children = this.#children;
    this.#fall(reason);
    if (children === undefined || children.size === 0) {
      this.#controller?.abort(reason);
      return;
    }
    const fallen: ContextNode[] = [this];
    for (const child of children) fallen.push(child);
    for (let at = 1; at < fallen.length; at++) {
      const node = fallen[at] as ContextNode;
      if (node.#children !== undefined) for (const child of node.#children) fallen.push(child);
      node.#fall(reason);
    }
    for (const node of fallen) node.#controller?.abort(reason);
  }

  #fall(reason: unknown): void {
    this.#cancelled = true;
    this.#reason = reason;
    this.#timer?.cancel();
    this.#unfollow?.();
    this.#timer = undefined;
    this.#unfollow = undefined;
    this.#children = undefined;
    this.#parent = undefined;
  }

  #unlink(): void {
    const siblings = this.#parent === undefined ? undefined : this.#parent.#children;
    siblings?.delete(this);
  }
}

/** One value over those above. */
class ValueBelow implements Values {
  readonly key: string | symbol;
  readonly value: unknown;
  readonly above: Values | undefined;

  constructor(key: string | symbol, value: unknown, above: Values | undefined) {
    this.key = key;
    this.value = value;
    this.above = above;
  }

  get(key: string | symbol): unknown {
    return key === this.key ? this.value : lookUp(key, this.above);
  }
}

/** A chain of values is walked, not climbed by calls: it may be long. */
function lookUp(key: string | symbol, values: Values | undefined): unknown {
  let at = values;
  while (at instanceof ValueBelow) {
    if (at.key === key) return at.value;
    at = at.above;
  }
  return at?.get(key);
}

/** One for all: most scopes are left with nobody under them, and an error for each would cost more than all the rest. */
const scopeLeft = new TickwiseError('CONTEXT_CANCELLED', 'the scope of the context was left');

function deadlineExceeded(deadline: Instant): TickwiseError {
  const at = Number.isFinite(deadline) && Math.abs(deadline) <= 8.64e15 ? ` (${new Date(deadline).toISOString()})` : '';
  return new TickwiseError('DEADLINE_EXCEEDED', `deadline exceeded${at}`, { facts: { deadline } });
}

function wallOf(clock: Clock, end: MonotonicMs): Instant {
  return end === Infinity ? Infinity : Math.ceil(clock.now() + (end - clock.monotonic()));
}

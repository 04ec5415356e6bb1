/** A nursery: tasks that are started together end together. */
import type { ChildContext, Context, TaskGroup, Work } from '../core/context.ts';
import { TickwiseError } from '../core/errors.ts';
import { isEcho, taskFailed } from './failure.ts';
import { Future } from './future.ts';

/**
 * Opens a group; use it with `await using`. A block that is left by a throw waits for its tasks too: where the block itself may
 * fail before they do, use {@link runGroup}, which cancels them.
 *
 * @param parent its tasks are cancelled with it
 * @returns an empty group
 */
export function openGroup(parent: Context): TaskGroup {
  return new Nursery(parent);
}

/**
 * Opens a group for the time of a function. When the function throws, the tasks are cancelled and awaited, and what it threw comes
 * out; otherwise all tasks are awaited.
 *
 * @param parent the group is cancelled with it
 * @param body starts tasks
 * @returns what the function returned, once all tasks have ended
 * @throws what the function threw; else as `TaskGroup.wait`
 */
export async function runGroup<Value>(parent: Context, body: (group: TaskGroup) => Value | PromiseLike<Value>): Promise<Value> {
  const group = new Nursery(parent);
  let returned: Value;
  try {
    returned = await body(group);
  } catch (error) {
    group.cancel(error);
    await group.settle();
    // A body that fails because one of its tasks failed tells no more than that task does.
    const { failure } = group;
    if (failure !== undefined && failure.cause === error) throw failure;
    throw error;
  }
  await group[Symbol.asyncDispose]();
  return returned;
}

class Nursery implements TaskGroup {
  readonly #parent: Context;
  readonly #context: ChildContext;
  #live = 0;
  #started = 0;
  #ended = false;
  #cutShort = false;
  /** What came to grief has been thrown by `wait`: the end of the block need not throw it once more. */
  #told = false;
  #idle: Future<void> | undefined;
  failure: TickwiseError | undefined;

  constructor(parent: Context) {
    this.#parent = parent;
    this.#context = parent.withCancel();
  }

  get context(): Context {
    return this.#context;
  }

  get live(): number {
    return this.#live;
  }

  start<Value>(work: Work<Value>, name?: string): Promise<Value> {
    if (this.#ended) throw new TickwiseError('SCOPE_CLOSED', `${name ?? 'a task'} was started in a group that has ended`);
    this.#live++;
    const task = this.#run(work, name ?? `task ${++this.#started}`);
    task.catch(() => undefined);
    return task;
  }

  async wait(): Promise<void> {
    await this.settle();
    const cutShort = this.#cutShort && this.#parent.signal.aborted;
    if (this.failure === undefined && !cutShort) return;
    this.#told = true;
    throw this.failure ?? this.#parent.signal.reason;
  }

  cancel(reason?: unknown): void {
    this.#context.cancel(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (this.#told) await this.settle();
      else await this.wait();
    } finally {
      this.#ended = true;
      this.#context[Symbol.dispose]();
    }
  }

  /** Resolves when nothing is live. */
  async settle(): Promise<void> {
    while (this.#live > 0) {
      this.#idle ??= new Future();
      await this.#idle.wait();
    }
  }

  async #run<Value>(work: Work<Value>, name: string): Promise<Value> {
    const { signal } = this.#context;
    try {
      signal.throwIfAborted();
      return await work(this.#context);
    } catch (error) {
      if (isEcho(error, signal)) this.#cutShort = true;
      else this.#fail(error, name);
      throw error;
    } finally {
      this.#live--;
      if (this.#live === 0) {
        this.#idle?.resolve();
        this.#idle = undefined;
      }
    }
  }

  #fail(error: unknown, name: string): void {
    if (this.failure !== undefined) return;
    this.failure = taskFailed(error, name);
    this.#context.cancel(this.failure);
  }
}

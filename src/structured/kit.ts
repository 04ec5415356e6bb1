/**
 * `tickwise/structured`: structured concurrency for whoever writes steps, and for programs around them. A run's own context has
 * most of it as methods (`context.withTimeout`, `context.group`, `context.gather`, `context.lock`); everything here takes a
 * context, and gives up with it.
 *
 * ```ts
 * using context = createContext();
 * const pages = await context.withTimeout(2_500).gather(urls.map((url) => ({ fetch }) => fetch(url)), { concurrency: 3 });
 * ```
 */
import type { ChildContext } from '../core/context.ts';
import type { Clock } from '../core/ports.ts';
import { createSystemClock } from '../system/clock.ts';
import { createRoot } from './context.ts';

export type { ChildContext, Context, Gather, Gathered, GatherOptions, Lease, TaskGroup, Within, Work } from '../core/context.ts';
export { Channel } from './channel.ts';
export { Future } from './future.ts';
export { gather } from './gather.ts';
export { Mutex } from './mutex.ts';
export {
  type Acknowledgement,
  pipeline,
  type Pipeline,
  type PipelinePlan,
  type Sent,
  type StageOptions,
  type StageWork,
} from './pipeline.ts';
export { select, type Selected, type SelectOptions } from './select.ts';
export { Semaphore } from './semaphore.ts';
export { SharedFuture, type SharedFutureHandle } from './shared-future.ts';
export { SharedTally, type SharedTallyHandle, type TallyReading } from './shared-tally.ts';
export type { Source, Taken, ValueOf } from './source.ts';
export { sourceOf } from './source-of.ts';
export { openGroup, runGroup } from './task-group.ts';

/** What a root context is made with. */
export interface CreateContextOptions {
  /** The machine's unless given; a test gives a virtual one. */
  readonly clock?: Clock;
  /** Aborting it cancels the context, with its reason. */
  readonly signal?: AbortSignal;
  /** What `value` sees. */
  readonly values?: Pick<ReadonlyMap<string | symbol, unknown>, 'get'>;
}

/**
 * Makes the root of a tree of contexts, without a deadline.
 *
 * @param options see {@link CreateContextOptions}
 * @returns a context that lives until it is cancelled; `using` does that
 */
export function createContext(options: CreateContextOptions = {}): ChildContext {
  return createRoot({ clock: options.clock ?? createSystemClock(), signal: options.signal, values: options.values });
}

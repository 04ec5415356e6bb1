/** The first of many. */
import type { Context } from '../core/context.ts';
import { Future } from './future.ts';
import type { Source, ValueOf } from './source.ts';

/** What `select` may be told. */
export interface SelectOptions {
  /** Do not wait: with nothing to take now, choose none. */
  readonly orElse?: 'none';
  /** Choose none after so many milliseconds. */
  readonly timeoutMs?: number;
}

/** What was chosen: a value of a source, the end of a source, or none, and why. */
export type Selected<Sources extends Readonly<Record<string, Source<unknown>>>> =
  | {
      readonly [Name in keyof Sources & string]:
        | { readonly source: Name; readonly done: false; readonly value: ValueOf<Sources[Name]> }
        | { readonly source: Name; readonly done: true };
    }[keyof Sources & string]
  | { readonly source: 'none'; readonly why: 'default' | 'timeout' };

/**
 * Waits until one of several sources has a value, and takes that one. Nothing is taken from the others, and nobody watches them
 * any more when this returns. Where several are ready, the first in the order of the object is chosen.
 *
 * @param context gives up with it
 * @param sources channels, futures, what `sourceOf` makes, under names of the caller's; `none` is taken
 * @param options a default, a timeout
 * @returns the name and the value; `done` for a source that is at its end
 * @throws rejects with the context's reason, or with what a source failed with
 */
export async function select<const Sources extends Readonly<Record<string, Source<unknown>>>>(
  context: Context,
  sources: Sources,
  options: SelectOptions = {},
): Promise<Selected<Sources>> {
  context.signal.throwIfAborted();
  const ready = takeFirst(sources);
  if (ready !== undefined) return ready;
  if (options.orElse === 'none') return { source: 'none', why: 'default' };
  using bounded = options.timeoutMs === undefined ? context.withCancel() : context.withTimeout(options.timeoutMs);
  const { signal } = bounded;
  for (;;) {
    const woken = new Future<void>();
    const links = Object.values(sources).map((source) => source.watch(() => woken.resolve()));
    try {
      await woken.wait(bounded);
    } catch (error) {
      if (context.signal.aborted || !signal.aborted) throw error;
      return { source: 'none', why: 'timeout' };
    } finally {
      for (const link of links) link[Symbol.dispose]();
    }
    const taken = takeFirst(sources);
    if (taken !== undefined) return taken;
  }
}

function takeFirst<Sources extends Readonly<Record<string, Source<unknown>>>>(sources: Sources): Selected<Sources> | undefined {
  for (const [source, origin] of Object.entries(sources)) {
    const taken = origin.tryTake();
    if (taken !== undefined) return { source, ...taken } as Selected<Sources>;
  }
  return undefined;
}

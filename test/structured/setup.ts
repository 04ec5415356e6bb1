/** A root context on a virtual clock. */
import type { ChildContext } from '../../src/core/context.ts';
import { createRoot } from '../../src/structured/context.ts';
import { createVirtualClock, type VirtualClock } from '../../src/testing/virtual-clock.ts';

export interface Bundle extends Disposable {
  readonly clock: VirtualClock;
  readonly context: ChildContext;
}

export function setup(): Bundle {
  const clock = createVirtualClock();
  const context = createRoot({ clock });
  return { clock, context, [Symbol.dispose]: () => context[Symbol.dispose]() };
}

/** All that an iterable gives. */
export async function collect<Value>(iterable: AsyncIterable<Value>): Promise<Value[]> {
  const values: Value[] = [];
  for await (const value of iterable) values.push(value);
  return values;
}

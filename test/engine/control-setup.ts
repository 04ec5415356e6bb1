/** A control over the engine of `engine.ts`, with a store and a clock that the test drives. */
import type { Control } from '../../src/core/control.ts';
import type { Job } from '../../src/core/job.ts';
import { createControl } from '../../src/engine/control.ts';
import { createCalendar } from '../../src/system/calendar.ts';
import { type Engine, type EngineOptions, makeEngine } from './engine.ts';

export const NODE = { id: 'c0ffee00c0ffee00', host: 'h', bootId: 'b', pid: 1, pidStart: 1, startedAt: 0 };

export interface Steered {
  readonly engine: Engine;
  readonly control: Control & AsyncDisposable;
  /** Drives the clock until the promise settles. */
  readonly settle: Engine['clock']['waitFor'];
  [Symbol.asyncDispose](): Promise<void>;
}

export interface SteeredOptions extends EngineOptions {
  readonly checkInput?: (job: Job, input: unknown) => string | undefined;
}

/** Starts a scheduler with these jobs, and a control over it. */
export async function steer(jobs: readonly Job[], options: SteeredOptions = {}): Promise<Steered> {
  const engine = makeEngine(options);
  const { clock, scheduler, store } = engine;
  const control = createControl({
    scheduler,
    store,
    clock,
    calendar: createCalendar(),
    node: NODE,
    version: '1.2.3',
    timezone: 'Europe/Berlin',
    checkInput: options.checkInput ?? (() => undefined),
    metrics: async () => ({ contentType: 'text/plain', text: '' }),
  });
  await clock.waitFor(scheduler.start(jobs));
  return {
    engine,
    control,
    settle: (promise) => clock.waitFor(promise),
    async [Symbol.asyncDispose]() {
      await clock.waitFor(Promise.resolve(control[Symbol.asyncDispose]()));
    },
  };
}

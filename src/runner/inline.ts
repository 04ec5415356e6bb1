/**
 * Steps in the daemon's own thread. The proof of the end is the settling of the handler's promise and nothing else: a
 * handler that ignores its signal keeps the slot, visibly, for there is no force that stops a promise.
 */
import type { Clock, Runner, RunOrder } from '../core/ports.ts';
import { RunLoop } from '../engine/run-loop.ts';
import { SharedTurn } from '../engine/turn.ts';

/**
 * Makes the runner of `inline` isolation.
 *
 * @param clock for budgets and fairness
 * @param find the task of a job: what `FunctionTask.target` holds, or a promise of a module's export
 * @returns a runner that owns nothing, so disposing it does nothing; never throws
 */
export function createInlineRunner(clock: Clock, find: (order: RunOrder) => unknown): Runner {
  const parts = {
    clock,
    turn: new SharedTurn(clock),
    lateNote: 'its handler has not settled, and an inline handler cannot be stopped by force',
  };
  return {
    start: (order, observer) => new RunLoop(() => find(order), order, observer, parts),
    async [Symbol.asyncDispose]() {},
  };
}

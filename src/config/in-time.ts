/** The only way to end a regular expression that goes astray: V8 looks for an order to stop wherever it turns back. */
import { createContext, Script } from 'node:vm';

const inside: { run?: () => unknown } = Object.create(null) as object;
const context = createContext(inside);
const script = new Script('run()');

/**
 * Calls a function that is done by then. It costs less than 0.1 ms more than the call.
 *
 * @param run works without waiting; what it has begun when its time is over is left as it is
 * @param limitMs above 0
 * @returns what it returns
 * @throws what it throws, and an Error with code `ERR_SCRIPT_EXECUTION_TIMEOUT` when its time is over
 */
export function inTime<Value>(run: () => Value, limitMs: number): Value {
  const before = inside.run;
  try {
    inside.run = run;
    return script.runInContext(context, { timeout: limitMs }) as Value;
  } finally {
    if (before === undefined) delete inside.run;
    else inside.run = before;
  }
}

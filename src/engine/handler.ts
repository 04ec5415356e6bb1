/**
 * What a task may be, brought to one form. This and the step loop are the only places where user code is entered, so a
 * throw before its first `await` is caught like any other.
 */
import { TickwiseError } from '../core/errors.ts';
import type { JobName } from '../core/job.ts';
import type { StepResult, TaskContext, TimeoutTaskHandler } from '../core/task.ts';
import { TaskOutcome } from './outcome.ts';

/** What one attempt calls, step by step. What it returns has not been checked. */
export interface EnteredTask {
  handleTimeoutTask(context: TaskContext): StepReturn | PromiseLike<StepReturn>;
}

/** What a step of a sound task hands back: a step result, or how a loop of its own ended. */
export type StepReturn = boolean | StepResult | TaskOutcome;

/**
 * Brings a task to one form: a handler object as it is; a class built once for each attempt; a function called once, which
 * either returns a handler or is itself a task of one step.
 *
 * @param target the export of a module, or what a user of the library gave
 * @param job named in the error
 * @param context given to a class's constructor and to a function
 * @returns the steps; for a function, which has run by then, steps that hand out its result
 * @throws TickwiseError `TASK_INVALID`; or whatever the user's constructor or function throws
 */
export function enterTask(target: unknown, job: JobName, context: TaskContext): EnteredTask {
  if (isHandler(target)) return target;
  if (typeof target !== 'function') throw notATask(target, job);
  if (isHandlerClass(target)) return new target(context);
  return functionTask(target as (context: TaskContext) => unknown);
}

function functionTask(call: (context: TaskContext) => unknown): EnteredTask {
  let handler: TimeoutTaskHandler | undefined;
  return {
    handleTimeoutTask(context) {
      if (handler !== undefined) return handler.handleTimeoutTask(context);
      const settle = (returned: unknown): StepReturn | PromiseLike<StepReturn> => {
        if (isHandler(returned)) {
          handler = returned;
          return handler.handleTimeoutTask(context);
        }
        return returned instanceof TaskOutcome ? returned : resultOf(returned);
      };
      const returned = call(context);
      return returned instanceof Promise ? returned.then(settle) : settle(returned);
    },
  };
}

/** A plain function is one step, so it is done when it returns; what it returned is the run's result. */
function resultOf(returned: unknown): boolean | StepResult {
  return returned === undefined || returned === null ? true : { done: true, result: returned };
}

function isHandler(value: unknown): value is TimeoutTaskHandler {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { handleTimeoutTask?: unknown }).handleTimeoutTask === 'function'
  );
}

function isHandlerClass(value: unknown): value is new (context: TaskContext) => TimeoutTaskHandler {
  const prototype: unknown = (value as { prototype?: unknown }).prototype;
  return isHandler(prototype);
}

function notATask(target: unknown, job: JobName): TickwiseError {
  const got =
    target === null
      ? 'null'
      : Array.isArray(target)
        ? 'an array'
        : typeof target === 'object'
          ? 'an object without handleTimeoutTask'
          : typeof target;
  return new TickwiseError(
    'TASK_INVALID',
    `job ${job}: the task is ${got}; expected an object with handleTimeoutTask, a class with it, a function that returns one, or a plain async function`,
  );
}

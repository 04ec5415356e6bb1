/** Finds the task that a module exports. */
import { createRequire } from 'node:module';
import { isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TickwiseError } from '../core/errors.ts';
import type { JobName } from '../core/job.ts';

/**
 * Imports a module and picks its export. Node keeps a module once it is imported, so a later call in the same thread costs
 * little and sees the same objects; a changed file is seen by the next new thread or process.
 *
 * @param module absolute path, `file:` URL, or a bare specifier, looked up from Tickwise's own place and then from the working directory
 * @param name of the export
 * @param job named in errors
 * @returns an object with `handleTimeoutTask`, a class or a function
 * @throws TickwiseError `TASK_INVALID` naming job, module and export; its `cause` is what the import threw
 */
export async function importTask(module: string, name: string, job: JobName): Promise<unknown> {
  let exports: Record<string, unknown>;
  try {
    exports = await importModule(module);
  } catch (cause) {
    throw new TickwiseError('TASK_INVALID', `job ${job}: module ${module} cannot be imported: ${messageOf(cause)}`, { cause });
  }
  if (!Object.hasOwn(exports, name)) {
    const names = Object.keys(exports).join(', ');
    const has = names === '' ? 'it exports nothing' : `it exports ${names}`;
    throw new TickwiseError('TASK_INVALID', `job ${job}: module ${module} has no export ${name}; ${has}`);
  }
  const task = exports[name];
  if (isTask(task)) return task;
  throw new TickwiseError(
    'TASK_INVALID',
    `job ${job}: export ${name} of module ${module} is ${task === null ? 'null' : `of type ${typeof task}`}; expected an object with handleTimeoutTask, a class with it, a function that returns one, or a plain async function`,
  );
}

async function importModule(module: string): Promise<Record<string, unknown>> {
  if (isAbsolute(module)) return (await import(pathToFileURL(module).href)) as Record<string, unknown>;
  try {
    return (await import(module)) as Record<string, unknown>;
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND' || module.startsWith('file:')) throw error;
    const path = resolveFromWorkingDirectory(module);
    if (path === undefined) throw error;
    return (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  }
}

function resolveFromWorkingDirectory(specifier: string): string | undefined {
  try {
    return createRequire(join(process.cwd(), 'noop.js')).resolve(specifier);
  } catch {
    return undefined;
  }
}

function isTask(value: unknown): boolean {
  if (typeof value === 'function') return true;
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { handleTimeoutTask?: unknown }).handleTimeoutTask === 'function'
  );
}

function messageOf(thrown: unknown): string {
  return (thrown instanceof Error ? thrown.message : String(thrown)).split('\n', 1)[0] ?? '';
}

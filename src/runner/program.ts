/** Whether a program can be started, found out before the launch, so that a launcher's 126 and 127 are never taken for the program's own. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import type { CommandTask, ShellTask } from '../core/job.ts';

/**
 * The program and the arguments of a task.
 *
 * @param task a command, or a line for `/bin/sh -c`
 * @returns the argument vector
 */
export function argumentsOf(task: CommandTask | ShellTask): readonly string[] {
  return task.kind === 'shell' ? ['/bin/sh', '-c', task.shell] : task.command;
}

/**
 * Says why a program cannot be started, as far as that can be known beforehand.
 *
 * @param program as configured: a path, relative to `cwd`, or a name that is looked for along `path`
 * @param cwd where it will be started
 * @param path the `PATH` it will be started with
 * @returns one line that names the culprit; `undefined` when nothing speaks against it
 */
export function launchFault(program: string, cwd: string, path: string | undefined): string | undefined {
  const fault = folderFault(cwd);
  if (fault !== undefined) return fault;
  if (program === '') return 'the name of its program is empty';
  if (program.includes('/')) return fileFault(resolve(cwd, program));
  if (path === undefined) return undefined;
  const candidates = path
    .split(delimiter)
    .map((entry) => (isAbsolute(entry) ? join(entry, program) : resolve(cwd, entry, program)));
  const faults = candidates.map(fileFault);
  if (faults.includes(undefined)) return undefined;
  const closest = faults.find((fault) => fault?.endsWith('does not exist') === false);
  return closest ?? `its program ${program} is not found in PATH (${path})`;
}

function folderFault(folder: string): string | undefined {
  try {
    const status = statSync(folder, { throwIfNoEntry: false });
    if (status === undefined) return `its cwd ${folder} does not exist`;
    if (!status.isDirectory()) return `its cwd ${folder} is not a directory`;
    accessSync(folder, constants.X_OK);
    return undefined;
  } catch {
    return `its cwd ${folder} may not be entered`;
  }
}

function fileFault(file: string): string | undefined {
  try {
    const status = statSync(file, { throwIfNoEntry: false });
    if (status === undefined) return `its program ${file} does not exist`;
    if (!status.isFile()) return `its program ${file} is not a file`;
    accessSync(file, constants.X_OK);
    return undefined;
  } catch {
    return `its program ${file} is not executable`;
  }
}

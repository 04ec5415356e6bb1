/** From a task as it is written to a core task. */
import { accessSync, constants, statSync } from 'node:fs';
import { dirname, extname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CommandTask, HttpTask, ModuleTask, ShellTask, Task } from '../core/job.ts';
import { askOnce, type Builder, checkPairs, intern } from './builder.ts';
import { check } from './check.ts';
import type { Path } from './finding.ts';
import { TASK_SCHEMAS } from './schema.ts';
import { suggest } from './suggest.ts';

const KINDS = ['module', 'command', 'shell', 'http'] as const;
const KIND_EXPECTED = 'one of "module", "command", "shell" and "http"';
const ENV_NAME = /^(?!TICKWISE_)[A-Za-z_][A-Za-z0-9_]*$/;
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

interface RawPlace {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Reads the `task` of a job.
 *
 * @param raw plain data, or what the library takes for a task: a function, or an object with `handleTimeoutTask`
 * @param path where it stands
 * @param builder gets what is wrong
 * @returns the task, the same frozen object for equal ones; `undefined` if something was found
 */
export function readTask(raw: unknown, path: Path, builder: Builder): Task | undefined {
  if (isCallableTask(raw)) return Object.freeze({ kind: 'function', target: raw });
  if (raw === undefined) {
    builder.findings.add(path, 'missing: nothing says what to do', { expected: KIND_EXPECTED });
    return undefined;
  }
  return intern(builder, 'task', raw, () => readKind(raw, path, builder));
}

/**
 * Whether a value is a task as the library takes it.
 *
 * @param value any value
 * @returns true for functions, classes among them, and for objects with a method `handleTimeoutTask`
 */
export function isCallableTask(value: unknown): boolean {
  if (typeof value === 'function') return true;
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { handleTimeoutTask?: unknown }).handleTimeoutTask === 'function'
  );
}

function readKind(raw: unknown, path: Path, builder: Builder): Task | undefined {
  const { findings } = builder;
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    findings.add(path, 'of the wrong kind', { got: raw, expected: `an object with ${KIND_EXPECTED}` });
    return undefined;
  }
  const kinds = Object.keys(raw).filter((key): key is (typeof KINDS)[number] => KINDS.some((kind) => kind === key));
  const [kind, second] = kinds;
  if (kind === undefined) {
    const keys = Object.keys(raw);
    const [key, meant] = keys.map((name) => [name, suggest(name, KINDS)] as const).find(([, near]) => near !== undefined) ?? [];
    if (key === undefined) findings.add(path, 'no kind of task', { got: raw, expected: KIND_EXPECTED });
    else findings.add([...path, key], `unknown key, did you mean "${meant}"?`, { at: 'key', expected: KIND_EXPECTED });
    return undefined;
  }
  if (second !== undefined) {
    const named = kinds.map((name) => `"${name}"`).join(' and ');
    findings.add([...path, second], `two kinds of task in one job: ${named}`, { expected: KIND_EXPECTED, at: 'key' });
    return undefined;
  }
  if (check(TASK_SCHEMAS[kind], raw, path, findings).size > 0) return undefined;
  return READERS[kind](raw, path, builder);
}

const READERS: Readonly<Record<(typeof KINDS)[number], (raw: object, path: Path, builder: Builder) => Task | undefined>> = {
  module(raw, path, builder) {
    const { module, export: name = 'default', input } = raw as { module: string; export?: string; input?: unknown };
    const found = readModule(module, [...path, 'module'], builder);
    if (found === undefined) return undefined;
    return { kind: 'module', module: found, export: name, ...(input === undefined ? {} : { input }) } satisfies ModuleTask;
  },
  command(raw, path, builder) {
    const { command, ...place } = raw as { command: [string, ...string[]] } & RawPlace;
    const [program, ...args] = command;
    const found = readProgram(program, [...path, 'command', 0], builder);
    for (const [index, word] of command.entries()) {
      if (word.includes('\0')) builder.findings.add([...path, 'command', index], 'holds a NUL character');
    }
    return { kind: 'command', command: [found, ...args], ...readPlace(place, path, builder) } satisfies CommandTask;
  },
  shell(raw, path, builder) {
    const { shell, ...place } = raw as { shell: string } & RawPlace;
    if (shell.includes('\0')) builder.findings.add([...path, 'shell'], 'holds a NUL character');
    return { kind: 'shell', shell, ...readPlace(place, path, builder) } satisfies ShellTask;
  },
  http(raw, path, builder) {
    return readHttp((raw as { http: RawHttp }).http, [...path, 'http'], builder);
  },
};

/** A path becomes absolute and must be a file; a package must lie in a `node_modules` above the configuration. */
function readModule(module: string, path: Path, builder: Builder): string | undefined {
  const { findings, baseDir } = builder;
  if (module.startsWith('.') || isAbsolute(module) || module.startsWith('file:')) {
    const file = module.startsWith('file:') ? pathOfUrl(module, baseDir) : resolve(baseDir, module);
    const fault = file === undefined ? 'not a file address' : askOnce(builder, `module ${file}`, () => fileFault(file, 'module'));
    if (fault !== undefined) findings.add(path, fault, { got: module, expected: 'a file, relative to the configuration' });
    return fault === undefined ? file : undefined;
  }
  // Whether exports and subpaths exist is known when it is imported; a package that is not there at all is a slip of the pen.
  const name = module
    .split('/')
    .slice(0, module.startsWith('@') ? 2 : 1)
    .join('/');
  const fault = askOnce(builder, `package ${name}`, () =>
    hasPackage(name, baseDir) ? undefined : 'no package of this name is installed',
  );
  if (fault === undefined) return module;
  const isFile = fileFault(resolve(baseDir, module), 'module') === undefined;
  const hint = isFile || extname(module) !== '' ? `; for a file, write "./${findings.isTemplate(path) ? '' : module}"` : '';
  findings.add(path, `${fault}${hint}`, {
    got: module,
    expected: '"./file.ts" or the name of a package',
  });
  return undefined;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function pathOfUrl(module: string, baseDir: string): string | undefined {
  try {
    return resolve(baseDir, fileURLToPath(module));
  } catch {
    return undefined;
  }
}

function hasPackage(name: string, baseDir: string): boolean {
  for (let folder = baseDir; ; folder = dirname(folder)) {
    if (name !== '' && isFolder(join(folder, 'node_modules', name))) return true;
    if (folder === dirname(folder)) return false;
  }
}

function fileFault(file: string, what: string): string | undefined {
  try {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) return `this ${what} does not exist`;
    return found.isFile() ? undefined : `this ${what} is not a file`;
  } catch (error) {
    return `this ${what} cannot be read (${String((error as { code?: unknown }).code)})`;
  }
}

/** A name without a slash is left to `PATH` when it runs; a path becomes absolute and must be executable. */
function readProgram(program: string, path: Path, builder: Builder): string {
  if (program === '') builder.findings.add(path, 'empty', { expected: 'a program' });
  if (!program.includes('/')) return program;
  const file = resolve(builder.baseDir, program);
  const fault = askOnce(builder, `program ${file}`, () => fileFault(file, 'program') ?? executeFault(file));
  if (fault !== undefined)
    builder.findings.add(path, fault, { got: program, expected: 'a program, relative to the configuration' });
  return file;
}

function executeFault(file: string): string | undefined {
  try {
    accessSync(file, constants.X_OK);
    return undefined;
  } catch {
    return 'this program may not be executed: chmod +x it';
  }
}

/** Without `cwd` a task runs in the folder of its configuration, wherever the daemon was started. */
function readPlace(place: RawPlace, path: Path, builder: Builder): { cwd: string; env?: Readonly<Record<string, string>> } {
  const cwd = place.cwd === undefined ? builder.baseDir : resolve(builder.baseDir, place.cwd);
  if (place.cwd?.includes('\0') === true) builder.findings.add([...path, 'cwd'], 'holds a NUL character');
  else if (place.cwd !== undefined) {
    const fault = askOnce(builder, `cwd ${cwd}`, () => (isFolder(cwd) ? undefined : 'this folder does not exist'));
    if (fault !== undefined) builder.findings.warn([...path, 'cwd'], fault, { got: place.cwd });
  }
  if (place.env === undefined) return { cwd };
  const expected = 'letters, digits and "_", not a digit first, and not TICKWISE_ first';
  checkPairs(place.env, [...path, 'env'], builder, ENV_NAME, expected);
  return { cwd, env: place.env };
}

interface RawHttp {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

function readHttp(raw: RawHttp, path: Path, builder: Builder): HttpTask {
  const { url, body, headers = {} } = raw;
  const method = raw.method ?? (body === undefined ? 'GET' : 'POST');
  checkUrl(url, [...path, 'url'], builder);
  if (body !== undefined && (method === 'GET' || method === 'HEAD')) {
    builder.findings.add([...path, 'body'], `a ${method} request has no body`, { at: 'key' });
  }
  checkPairs(headers, [...path, 'headers'], builder, HEADER_NAME, 'the name of a header, e.g. "content-type"');
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      builder.findings.add([...path, 'headers', name], 'not the value of a header', {
        got: value,
        expected: 'one line of Latin-1 characters',
      });
    }
  }
  return { kind: 'http', url, method, headers, ...(body === undefined ? {} : { body }) };
}

/**
 * Reports an address that cannot be requested.
 *
 * @param url begins with http:// or https://
 * @param path where it stands
 * @param builder gets what is wrong
 */
export function checkUrl(url: string, path: Path, builder: Builder): void {
  const parsed = URL.parse(url);
  if (parsed === null) builder.findings.add(path, 'not an address', { got: url, expected: 'e.g. "https://example.org/path"' });
  else if (parsed.username !== '' || parsed.password !== '') {
    builder.findings.add(path, 'an address may not hold a user name or password', {
      expected: 'a header "authorization" instead',
    });
  }
}

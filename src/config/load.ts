/**
 * From text to a frozen configuration, or to everything that is wrong with it.
 *
 * In order: the text is read (`read.ts`), references are replaced (`expand.ts`), settings, defaults and jobs are checked against
 * their shapes (`schema.ts`, `check.ts`) and built (`settings.ts`, `job.ts`). Each step goes on after a fault, so that one
 * attempt shows them all; places are looked up only if there is something to report (`problem.ts`).
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { TickwiseError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import type { Calendar } from '../core/ports.ts';
import type { Instant } from '../core/time.ts';
import { type Builder, deepFreeze } from './builder.ts';
import { check } from './check.ts';
import type { Config } from './config.ts';
import { copyValue } from './copy.ts';
import { CREDENTIALS_DIRECTORY, expandStrings } from './expand.ts';
import { Findings } from './finding.ts';
import { checkPolicies, historyOf, type JobBase, type RawPolicies, readJob, sound } from './job.ts';
import { formatProblem, problemsOf } from './problem.ts';
import { FORBIDDEN_KEYS, readText, SIZE_LIMIT_BYTES } from './read.ts';
import { jobNameSchema, policySchema, settingsSchema } from './schema.ts';
import { type RawSettings, readSettings } from './settings.ts';
import { checkZone, isZone } from './zone.ts';

/** What a configuration depends on beside its text. */
export interface LoadOptions {
  /** For `${env:NAME}`, and the folder of `${credential:NAME}`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly calendar: Calendar;
  /** Ticks before this instant are past; only warnings depend on it. */
  readonly now: Instant;
  /** IANA zone of this machine; UTC is taken if it is none. */
  readonly hostTimezone: string;
  /**
   * For whoever only looks for the daemon, and may see less than it: references that lead nowhere are warnings, token files and
   * the key of the certificate are not read, and what depends on any of them is missing. A daemon does not start from it.
   */
  readonly isOnlooker?: boolean;
}

interface Source {
  readonly file: string;
  readonly text: string;
}

/**
 * Reads a configuration file.
 *
 * @param path relative to the working directory
 * @param options what it depends on beside its text
 * @returns the configuration, frozen
 * @throws TickwiseError `CONFIG_UNREADABLE`; `CONFIG_INVALID` with `facts.problems`, a list of ConfigProblem, and all of them as
 *   lines of its message
 */
export function loadConfig(path: string, options: LoadOptions): Config {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    const code = (cause as { code?: unknown }).code;
    const why =
      code === 'ENOENT' ? 'there is no such file; "tickwise init" writes an example' : `it cannot be read (${String(code)})`;
    throw new TickwiseError('CONFIG_UNREADABLE', `${path}: ${why}`, { cause, facts: { file: path } });
  }
  return parseConfig(decode(bytes, path), { ...options, file: path });
}

/**
 * Reads the text of a configuration file.
 *
 * @param text JSON with comments and trailing commas
 * @param options `file` is named in messages; paths are relative to its folder
 * @returns the configuration, frozen
 * @throws TickwiseError `CONFIG_INVALID`, as `loadConfig`
 */
export function parseConfig(text: string, options: LoadOptions & { readonly file: string }): Config {
  const findings = new Findings();
  const source = { file: options.file, text: text.startsWith('\ufeff') ? text.slice(1) : text };
  const baseDir = dirname(resolve(options.file));
  if (text.length > SIZE_LIMIT_BYTES) {
    findings.add([], 'the file is too large', { expected: 'at most 64 MiB', offset: 0 });
    throw invalid(findings, [], { file: options.file, text: '' });
  }
  return build(readText(source.text, findings), source.text.includes('${'), baseDir, options, findings, source);
}

/**
 * Reads a configuration that a program made: the same shape as the file, but a task may also be a function, or an object with
 * `handleTimeoutTask`, which become tasks of kind `function`.
 *
 * @param value any value; it is copied, tasks of that kind aside
 * @param options `baseDir`: what paths are relative to, the working directory unless given
 * @returns the configuration, frozen, without `file`
 * @throws TickwiseError `CONFIG_INVALID`; its problems have paths and no places
 */
export function parseConfigObject(value: unknown, options: LoadOptions & { readonly baseDir?: string }): Config {
  const findings = new Findings();
  return build(copyValue(value, findings), true, resolve(options.baseDir ?? '.'), options, findings, undefined);
}

function decode(bytes: Buffer, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const findings = new Findings();
    findings.add([], 'the file is not UTF-8 text', { offset: 0 });
    throw invalid(findings, [], { file, text: '' });
  }
}

function build(
  read: unknown,
  mayRefer: boolean,
  baseDir: string,
  options: LoadOptions,
  findings: Findings,
  source: Source | undefined,
): Config {
  const secrets = new Set<string>();
  const root = mayRefer ? expandStrings(read, { ...options, baseDir }, findings, secrets) : read;
  if (!isObject(root) && (root !== undefined || findings.errors.length === 0)) {
    findings.add([], 'the configuration is of the wrong kind', { got: root, expected: 'an object with "jobs"' });
  }
  const made = isObject(root) ? readRoot(root, baseDir, options, findings) : undefined;
  if (made?.store.kind === 'postgres') for (const form of passwordOf(made.store.url)) secrets.add(form);
  for (const { secret } of made === undefined ? [] : [...made.notify, ...made.jobs.flatMap((job) => job.notify)]) {
    if (secret !== undefined) secrets.add(secret);
  }
  const hidden = Object.freeze([...secrets]);
  if (made === undefined || findings.errors.length > 0) throw invalid(findings, hidden, source);
  return Object.freeze({
    ...(source === undefined ? {} : { file: source.file }),
    baseDir,
    ...made,
    secrets: hidden,
    warnings: deepFreeze(problemsOf(findings.warnings, hidden, source)),
  });
}

/** The password of the database as it is and as it is written, whether or not it came from a reference. */
function passwordOf(url: string): string[] {
  const password = URL.parse(url)?.password ?? '';
  if (password === '') return [];
  try {
    return [password, decodeURIComponent(password)];
  } catch {
    return [password];
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

type Made = Omit<Config, 'file' | 'baseDir' | 'secrets' | 'warnings'>;

function readRoot(raw: Record<string, unknown>, baseDir: string, options: LoadOptions, findings: Findings): Made {
  const unsound = check(settingsSchema, raw, [], findings);
  const settings: RawSettings = Object.fromEntries(Object.entries(raw).filter(([key]) => !unsound.has(key)));
  const timezone = readTimezone(settings.timezone, options.hostTimezone, findings);
  const { calendar, now } = options;
  const caches = { interned: new Map(), durations: new Map(), answers: new Map() };
  const credentialsDir = options.env[CREDENTIALS_DIRECTORY];
  const { isOnlooker = false } = options;
  const builder: Builder = { findings, calendar, now, timezone, baseDir, credentialsDir, isOnlooker, ...caches };
  const made = readSettings(settings, raw['auth'], builder);
  const policies = raw['defaults'] === undefined ? {} : readDefaults(raw['defaults'], builder);
  const base: JobBase = { policies, history: historyOf(policies.history, made.history, builder), notify: made.notify };
  deepFreeze(made);
  return { timezone, ...made, jobs: readJobs(raw['jobs'], base, builder) };
}

function readTimezone(zone: string | undefined, hostTimezone: string, findings: Findings): string {
  if (zone !== undefined) {
    checkZone(zone, ['timezone'], findings);
    if (isZone(zone)) return zone;
  }
  return isZone(hostTimezone) ? hostTimezone : 'UTC';
}

function readDefaults(raw: unknown, builder: Builder): RawPolicies {
  const path = ['defaults'];
  const unsound = check(policySchema, raw, path, builder.findings);
  if (!isObject(raw)) return {};
  const policies = sound(raw, unsound);
  checkPolicies(policies, path, builder);
  return policies;
}

function readJobs(raw: unknown, base: JobBase, builder: Builder): readonly Job[] {
  const { findings } = builder;
  const expected = 'an object of jobs by name';
  if (raw === undefined) findings.add(['jobs'], 'missing', { expected });
  else if (!isObject(raw)) findings.add(['jobs'], 'of the wrong kind', { got: raw, expected });
  if (!isObject(raw)) return [];
  const jobs: Job[] = [];
  for (const name of Object.keys(raw)) {
    if (FORBIDDEN_KEYS.has(name)) continue;
    if (!jobNameSchema.safeParse(name).success) reportName(name, findings);
    const job = readJob(name, raw[name], base, builder);
    if (job !== undefined) jobs.push(job);
  }
  return Object.freeze(jobs);
}

function reportName(name: string, findings: Findings): void {
  const expected = '1 to 63 of a-z, 0-9, ".", "_" and "-", the first a letter or digit';
  findings.add(['jobs', name], 'not a name for a job', { got: name, expected, at: 'key' });
}

function invalid(findings: Findings, secrets: readonly string[], source: Source | undefined): TickwiseError {
  const problems = problemsOf(findings.errors, secrets, source);
  return new TickwiseError('CONFIG_INVALID', problems.map(formatProblem).join('\n'), { facts: { problems } });
}

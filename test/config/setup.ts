/** A folder with the files that a configuration may name, and ways to read configurations in it. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../src/config/config.ts';
import { type LoadOptions, parseConfig } from '../../src/config/load.ts';
import type { ConfigProblem } from '../../src/config/problem.ts';
import { TickwiseError } from '../../src/core/errors.ts';
import { createCalendar } from '../../src/system/calendar.ts';

/** Stands in a text where the problem is expected, and is taken out before it is read. */
export const MARK = '»';

/** In `token.txt` of the folder. */
export const TOKEN = 'Tok-0123456789_0123456789_0123456789_abcdefg';

export interface Setup extends Disposable {
  readonly folder: string;
  readonly options: LoadOptions;
  /** Reads a text as `scheduler.config.json` of the folder. */
  parse(text: string, env?: Record<string, string>): Config;
  /** The problems of a text, its marks taken out; fails if there are none. */
  problems(text: string, env?: Record<string, string>): readonly ConfigProblem[];
  /** The only job of a configuration that is given as its body. */
  job(body: string): Config['jobs'][number];
}

const calendar = createCalendar();

export function setup(): Setup {
  const folder = mkdtempSync(join(tmpdir(), 'tickwise-config-'));
  mkdirSync(join(folder, 'jobs'));
  mkdirSync(join(folder, 'node_modules', 'some-package'), { recursive: true });
  writeFileSync(join(folder, 'jobs', 'work.ts'), 'export default async () => {};\n');
  writeFileSync(join(folder, 'jobs', 'run.sh'), '#!/bin/sh\n');
  chmodSync(join(folder, 'jobs', 'run.sh'), 0o755);
  writeFileSync(join(folder, 'secret.txt'), 'from-the-file\n');
  writeFileSync(join(folder, 'token.txt'), `${TOKEN}\n`, { mode: 0o600 });
  const options: LoadOptions = { env: {}, calendar, now: Date.UTC(2026, 0, 1), hostTimezone: 'Europe/Vienna' };
  const parse = (text: string, env: Record<string, string> = {}): Config =>
    parseConfig(text, { ...options, env, file: join(folder, 'scheduler.config.json') });
  return {
    folder,
    options,
    parse,
    problems: (text, env) => problemsOf(() => parse(text.replaceAll(MARK, ''), env)),
    job(body) {
      const job = parse(`{"jobs": {"a": ${body}}}`).jobs[0];
      if (job === undefined) throw new Error('no job');
      return job;
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** What an invalid configuration is refused with. */
export function problemsOf(read: () => unknown): readonly ConfigProblem[] {
  return refusalOf(read).facts['problems'] as readonly ConfigProblem[];
}

export function refusalOf(read: () => unknown): TickwiseError {
  try {
    read();
  } catch (error) {
    if (error instanceof TickwiseError && error.code === 'CONFIG_INVALID') return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

/** `line:column` of each mark. */
export function marksOf(text: string): string[] {
  const marks: string[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const parts = line.split(MARK);
    let column = 1;
    for (const part of parts.slice(0, -1)) {
      column += part.length;
      marks.push(`${index + 1}:${column}`);
    }
  }
  return marks;
}

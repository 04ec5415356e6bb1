/** From a reference in a file to all that is written and started: where a secret must not turn up. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { redact } from '../../src/config/redact.ts';
import type { TaskLog } from '../../src/core/task.ts';
import { startDaemon } from '../../src/daemon.ts';
import { Events } from '../../src/engine/events.ts';
import { createCalendar } from '../../src/system/calendar.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { createLog, type Log } from '../../src/system/log.ts';
import { refusalOf, setup as setupFolder } from './setup.ts';

/** Each is spelled in its own way by those who escape. */
const SECRETS = {
  QUOTED: 'pä"ss/w+rd €*\\',
  PLAIN: 'Zk7-plain-secret',
  LINES: 'line-one-secret\nline-two-secret',
  PIN: '73510946',
};
/** What is left of a secret however it is escaped. */
const TRACES = /ss\/w|w\+rd|ss%2fw|ss\\\/w|plain-secret|line-one|line-two|73510946/i;
const JOBS = '{"listen": false, "store": "memory:", "jobs": JOBS, "labels": LABELS}';
const LABELS = JSON.stringify(Object.fromEntries(Object.keys(SECRETS).map((name) => [name, `\${env:${name}}`])));

interface Bundle extends Disposable {
  readonly folder: string;
  readonly log: Log;
  parse(jobs?: object): Config;
  /** All that was logged, on the stream and in the file. */
  written(): Promise<string>;
}

function setup(format: 'json' | 'pretty' = 'json'): Bundle {
  const bench = setupFolder();
  const chunks: string[] = [];
  const stream = new Writable({ write: (chunk: Buffer, _, done) => done(void chunks.push(chunk.toString())) });
  const parse = (jobs: object = {}): Config =>
    bench.parse(
      JOBS.replace('JOBS', () => JSON.stringify(jobs)).replace('LABELS', () => LABELS),
      SECRETS,
    );
  const { secrets } = parse();
  const path = join(bench.folder, 'log.jsonl');
  const log = createLog({
    level: 'debug',
    format,
    stream,
    colour: false,
    file: { path, maxSizeBytes: 1e6, maxFiles: 2 },
    redact: (text) => redact(text, secrets),
  });
  return {
    folder: bench.folder,
    log,
    parse,
    written: async () => {
      await log.flush();
      return chunks.join('') + readFileSync(path, 'utf8');
    },
    [Symbol.dispose]: () => bench[Symbol.dispose](),
  };
}

/** Runs the only job once. @returns the lines of its run */
async function runOnce(config: Config, env: Record<string, string | undefined>, log?: TaskLog): Promise<string[]> {
  const events = new Events();
  const lines: string[] = [];
  const ended = Promise.withResolvers<void>();
  using _ = events.subscribe((event) => {
    if (event.type === 'runLine') lines.push(event.text);
    if (event.type === 'runEnded') ended.resolve();
  });
  const daemon = await startDaemon(config, { clock: createSystemClock(), calendar: createCalendar(), env, events, log });
  try {
    await daemon.scheduler.trigger('a');
    await ended.promise;
  } finally {
    await daemon.stop();
  }
  return lines;
}

describe.each(['json', 'pretty'] as const)('no secret is in the log (%s)', (format) => {
  test.each(Object.entries(SECRETS))('%s: neither in messages, fields, errors nor causes', async (_, secret) => {
    using bundle = setup(format);
    const { log } = bundle;
    const error = new Error(`inner ${secret}`, { cause: new Error(`cause ${secret}`, { cause: secret }) });
    const spellings = [secret, JSON.stringify(secret), JSON.stringify({ a: [secret] }), JSON.stringify(JSON.stringify(secret))];
    spellings.push(
      encodeURIComponent(secret),
      new URLSearchParams({ secret }).toString(),
      JSON.stringify(secret).replaceAll('/', '\\/'),
    );
    for (const text of spellings) log.info(`said ${text}.`, { [text]: text, deep: { list: [{ [text]: text }] } });
    log.error(secret, {
      error,
      stack: error.stack,
      all: new AggregateError([error], secret),
      error2: Object.assign(new Error('x'), { name: secret }),
    });
    log
      .child({ bound: secret, job: secret, number: Number(secret), big: secret === SECRETS.PIN ? BigInt(secret) : 0n })
      .warn('bound');
    log.warn(`${'x'.repeat(4_085)} ${secret}`, { error: new Error(`${'x'.repeat(4_085)} ${secret}`) });
    const written = await bundle.written();
    expect(written.split('\n').length).toBeGreaterThan(2 * 10);
    expect(written).toContain('[redacted]');
    expect(written).not.toMatch(TRACES);
  });
});

test('a task that tells a secret in any spelling does not bring it into the log', async () => {
  using bundle = setup();
  const program = `const s = Object.values(${JSON.stringify(SECRETS)});
    for (const one of s) for (const text of [one, JSON.stringify(one), encodeURIComponent(one), new URLSearchParams({one}).toString()])
      { console.log('out', text); console.error('err', text); }
    throw new Error(s.join(' '));`;
  const config = bundle.parse({ a: { task: { command: [process.execPath, '-e', program] } } });
  const lines = await runOnce(config, { PATH: process.env['PATH'] }, bundle.log);
  expect(lines.join('\n')).toMatch(TRACES);
  const written = await bundle.written();
  expect(written).toMatch(/"message":"out \[redacted\]/);
  expect(written).not.toMatch(TRACES);
});

describe('a configuration is refused without a word of what a reference stands for', () => {
  const WHOLE = {
    timezone: 'UTC',
    store: 'memory:',
    listen: '0.0.0.0:0',
    auth: {
      tokens: [{ name: 'a', file: 'token.txt', hash: `sha256:${'0'.repeat(64)}`, scopes: ['read'] }],
      tls: { cert: 'c.pem', key: 'k.pem' },
      hosts: ['a.example'],
    },
    notify: [{ on: ['failed'], webhook: 'https://h.example', secret: 'x'.repeat(16) }],
    jobs: {
      a: {
        schedule: { cron: '@daily', timezone: 'UTC', jitter: '1s', startAt: '2030-01-01T00:00:00Z' },
        task: { http: { url: 'https://h.example', method: 'GET', headers: { h: 'v' } } },
        notify: [{ on: ['failed'], command: ['true'], secret: 'x'.repeat(16) }],
        inputSchema: {
          $schema: 'https://json-schema.org/draft/2020-12/schema',
          type: 'object',
          properties: {
            p: { type: 'string', pattern: 'x', format: 'date' },
            e: { type: 'number', enum: [1, 'a'] },
            r: { $ref: '#' },
          },
          required: ['p'],
        },
        exclusive: ['x'],
        ping: 'https://h.example',
        budget: '1s',
      },
    },
  };
  const leaves: string[] = [];
  JSON.stringify(WHOLE, (key, value: unknown) => {
    if (typeof value === 'string') leaves.push(`${leaves.length} ${key}`);
    return value;
  });

  test.each(leaves)('%s', (leaf) => {
    using bench = setupFolder();
    let index = 0;
    const text = JSON.stringify(WHOLE, (_, value: unknown) =>
      typeof value === 'string' && index++ === Number.parseInt(leaf, 10) ? '${env:LEAF}' : value,
    );
    for (const value of Object.values(SECRETS)) {
      const { message, facts } = refusalOf(() => bench.parse(text, { LEAF: value }));
      expect(message + JSON.stringify(facts)).not.toMatch(TRACES);
    }
  });
});

describe('a child sees nothing of the daemon', () => {
  const DAEMON = {
    DAEMON_SECRET: 'of-the-daemon',
    CREDENTIALS_DIRECTORY: '/run/credentials/x',
    TICKWISE_TOKEN: 'tok',
    NODE_AUTH_TOKEN: 'npm',
  };
  afterEach(() => void vi.unstubAllEnvs());

  const LEGAL =
    /^(PATH|HOME|LANG|TZ|OWN|PWD|SHLVL|_|TICKWISE_(JOB|RUN_ID|TICK|ATTEMPT|STEP|DEADLINE|FENCE|CHECKPOINT_FILE|RESULT_FILE|NODE_ID))$/;

  test.each([
    ['a command', { command: ['env'], env: { OWN: '${env:PLAIN}' } }],
    ['a line for the shell', { shell: 'env', env: { OWN: '${env:PLAIN}' } }],
  ])('%s: only PATH, HOME, LANG, TZ, what env names and the words of the run', async (_, task) => {
    using bundle = setup();
    for (const [name, value] of Object.entries(DAEMON)) vi.stubEnv(name, value);
    const lines = await runOnce(bundle.parse({ a: { task } }), { ...process.env, LANG: 'C' });
    const names = lines.map((line) => line.slice(0, line.indexOf('=')));
    expect(names.filter((name) => !LEGAL.test(name))).toEqual([]);
    expect(names).toEqual(expect.arrayContaining(['PATH', 'LANG', 'OWN', 'TICKWISE_RUN_ID']));
    expect(lines).toContain(`OWN=${SECRETS.PLAIN}`);
  });

  test('a module in a process of its own: nor what configures Node and names a secret', async () => {
    using bundle = setup();
    for (const [name, value] of Object.entries(DAEMON)) vi.stubEnv(name, value);
    writeFileSync(
      join(bundle.folder, 'jobs', 'work.ts'),
      'export default async (context) => context.log.info(JSON.stringify(process.env));',
    );
    const [line = '{}'] = await runOnce(
      bundle.parse({ a: { task: { module: './jobs/work.ts' }, isolation: 'process' } }),
      process.env,
    );
    const seen = Object.keys(JSON.parse(line) as object);
    expect(seen).toContain('PATH');
    expect(seen.filter((name) => Object.hasOwn(DAEMON, name))).toEqual([]);
  });
});

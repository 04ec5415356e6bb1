import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { JOB_DEFAULTS } from '../../src/core/job.ts';
import { problemsOf, setup, TOKEN } from './setup.ts';

const bench = setup();
afterAll(() => bench[Symbol.dispose]());

const SHELL = '"task": {"shell": "true"}';

test('fills in every default', () => {
  const { jobs, ...config } = bench.parse(`{"jobs": {"a": {${SHELL}}}}`);
  expect(config).toEqual({
    file: join(bench.folder, 'scheduler.config.json'),
    baseDir: bench.folder,
    timezone: 'Europe/Vienna',
    store: { kind: 'sqlite', path: join(bench.folder, 'var/tickwise.db') },
    concurrency: 16,
    listen: { kind: 'tcp', host: '127.0.0.1', port: 4680, isDefault: true },
    auth: { tokens: [], behindProxy: false, hosts: [] },
    log: { level: 'info', format: 'auto' },
    shutdownGraceMs: 25_000,
    history: { maxRunsPerJob: 1_000, maxAgeMs: 30 * 86_400_000 },
    notify: [],
    labels: {},
    secrets: [],
    warnings: [],
  });
  const task = { kind: 'shell', shell: 'true', cwd: bench.folder };
  expect(jobs).toEqual([{ ...JOB_DEFAULTS, name: 'a', task, isolation: 'process' }]);
});

test('reads every setting', () => {
  const hash = `sha256:${'0a'.repeat(32)}`;
  const config = bench.parse(`{
    "$schema": "./scheduler.schema.json", "timezone": "Asia/Tokyo", "store": "memory:", "concurrency": 3, "listen": "0.0.0.0:80",
    "auth": {"tokens": [{"name": "ci", "hash": "${hash}", "scopes": ["read", "run"]}, {"name": "me", "file": "token.txt", "scopes": ["admin"]}], "behindProxy": true, "hosts": ["Cron.Example.org", "fd00::1"]},
    "log": {"level": "debug", "format": "json", "file": {"path": "logs/t.log", "maxSize": "2MB", "maxFiles": 9}},
    "shutdownGrace": "1m30s", "history": {"maxAge": "2d"}, "labels": {"zone": "a"},
    "notify": [{"on": ["failed"], "webhook": "https://example.org/hook"}], "jobs": {}
  }`);
  expect(config).toMatchObject({
    timezone: 'Asia/Tokyo',
    store: { kind: 'memory' },
    concurrency: 3,
    listen: { kind: 'tcp', host: '0.0.0.0', port: 80 },
    auth: {
      tokens: [
        { name: 'ci', hash: hash.slice('sha256:'.length), scopes: ['read', 'run'] },
        { name: 'me', hash: createHash('sha256').update(TOKEN).digest('hex'), scopes: ['admin'] },
      ],
      behindProxy: true,
      hosts: ['cron.example.org', '[fd00::1]'],
    },
    log: {
      level: 'debug',
      format: 'json',
      file: { path: join(bench.folder, 'logs/t.log'), maxSizeBytes: 2_000_000, maxFiles: 9 },
    },
    shutdownGraceMs: 90_000,
    history: { maxRunsPerJob: 1_000, maxAgeMs: 2 * 86_400_000 },
    labels: { zone: 'a' },
    notify: [{ on: ['failed'], webhook: 'https://example.org/hook' }],
  });
});

test('reads every field of a job', () => {
  const job = bench.job(`{
    "schedule": {"cron": "0 3 * * *", "timezone": "UTC", "jitter": "5m"}, "task": {"module": "./jobs/work.ts", "export": "work", "input": {"n": [1]}},
    "budget": "10m", "grace": "0s", "stepTimeout": "90s", "onOverlap": "queue", "onMissed": "all", "missedWindow": "1d", "missedLimit": 7,
    "isolation": "process", "exclusive": ["db", "api", "db"], "priority": -3, "retry": {"attempts": 5, "delay": "2m"}, "paused": true,
    "ping": "https://hc.example.org/1", "notify": [{"on": ["killed"], "command": ["/bin/true"]}], "history": {"maxRunsPerJob": 5},
    "description": "d", "labels": {"team": "x"}, "nodeSelector": {"zone": "a"}
  }`);
  expect(job).toEqual({
    name: 'a',
    schedules: [{ kind: 'cron', pattern: '0 3 * * *', timezone: 'UTC', jitterMs: 300_000 }],
    task: { kind: 'module', module: join(bench.folder, 'jobs/work.ts'), export: 'work', input: { n: [1] } },
    budgetMs: 600_000,
    graceMs: 0,
    stepTimeoutMs: 90_000,
    onOverlap: 'queue',
    onMissed: 'all',
    missedWindowMs: 86_400_000,
    missedLimit: 7,
    isolation: 'process',
    exclusive: ['api', 'db'],
    priority: -3,
    retry: { attempts: 5, delayMs: 120_000, factor: 2, maxDelayMs: 120_000, jitter: 0.2 },
    paused: true,
    ping: 'https://hc.example.org/1',
    notify: [{ on: ['killed'], command: ['/bin/true'] }],
    history: { maxRunsPerJob: 5, maxAgeMs: 30 * 86_400_000 },
    description: 'd',
    labels: { team: 'x' },
    nodeSelector: { zone: 'a' },
  });
});

describe('defaults', () => {
  test('hold for the jobs that do not say', () => {
    const [one, other] = bench.parse(`{
      "defaults": {"budget": "30s", "onOverlap": "cancel", "exclusive": ["x"]},
      "jobs": {"one": {${SHELL}}, "other": {${SHELL}, "budget": "1m", "exclusive": []}}
    }`).jobs;
    expect(one).toMatchObject({ budgetMs: 30_000, onOverlap: 'cancel', exclusive: ['x'] });
    expect(other).toMatchObject({ budgetMs: 60_000, onOverlap: 'cancel', exclusive: [] });
  });

  test('of isolation are for modules alone', () => {
    const [one, other] = bench.parse(`{
      "defaults": {"isolation": "inline"}, "jobs": {"one": {${SHELL}}, "other": {"task": {"module": "./jobs/work.ts"}}}
    }`).jobs;
    expect([one?.isolation, other?.isolation]).toEqual(['process', 'inline']);
  });

  test('of history are taken field by field: job, defaults, file', () => {
    const [job] = bench.parse(`{
      "history": {"maxRunsPerJob": 1, "maxAge": "1d"}, "defaults": {"history": {"maxRunsPerJob": 2}},
      "jobs": {"a": {${SHELL}, "history": {"maxAge": "3d"}}}
    }`).jobs;
    expect(job?.history).toEqual({ maxRunsPerJob: 2, maxAgeMs: 3 * 86_400_000 });
  });

  test('of notify come after the rules for all jobs, and before none', () => {
    const rule = (event: string): string => `[{"on": ["${event}"], "webhook": "https://example.org/"}]`;
    const [one, other] = bench.parse(`{
      "notify": ${rule('failed')}, "defaults": {"notify": ${rule('missed')}},
      "jobs": {"one": {${SHELL}}, "other": {${SHELL}, "notify": ${rule('lost')}}}
    }`).jobs;
    expect(one?.notify.map(({ on }) => on[0])).toEqual(['failed', 'missed']);
    expect(other?.notify.map(({ on }) => on[0])).toEqual(['failed', 'lost']);
  });
});

test('takes comments, trailing commas and a byte order mark', () => {
  const text = `\ufeff// head\n{/* in */ "jobs": {"a": {"task": {"command": ["echo", "// no comment", ",}",],}, /* , */ }, // tail\n},}\n// end`;
  const task = bench.parse(text).jobs[0]?.task;
  expect(task).toMatchObject({ command: ['echo', '// no comment', ',}'] });
});

test('counts columns as if there were no byte order mark', () => {
  expect(bench.problems('\ufeff{"nope": 1, "jobs": {}}')[0]).toMatchObject({ line: 1, column: 2 });
});

test.each([
  ['127.8.9.1:1', { kind: 'tcp', host: '127.8.9.1', port: 1 }],
  ['localhost:0', { kind: 'tcp', host: 'localhost', port: 0 }],
  ['[::1]:65535', { kind: 'tcp', host: '::1', port: 65_535 }],
])('needs no tokens to listen on %s', (listen, expected) => {
  expect(bench.parse(`{"listen": "${listen}", "jobs": {}}`).listen).toEqual(expected);
});

test('listens on a unix socket beside the file, or not at all', () => {
  expect(bench.parse('{"listen": "unix:t.sock", "jobs": {}}').listen).toEqual({
    kind: 'unix',
    path: join(bench.folder, 't.sock'),
  });
  expect(bench.parse('{"listen": false, "jobs": {}}').listen).toBe(false);
});

test('freezes all of it', () => {
  const config = bench.parse(
    `{"labels": {"a": "b"}, "jobs": {"a": {"schedule": "@daily", "task": {"module": "./jobs/work.ts", "input": {"x": [{}]}}, "retry": {}}}}`,
  );
  expect(thawed(config)).toEqual([]);
});

test('shares equal schedules, tasks and policies, so that many jobs stay small', () => {
  const job = (cron: string): string =>
    `{"schedule": "${cron}", "task": {"shell": "true"}, "retry": {"attempts": 2}, "exclusive": ["x"]}`;
  const [one, other, third] = bench.parse(
    `{"jobs": {"a": ${job('@daily')}, "b": ${job('@daily')}, "c": ${job('@hourly')}}}`,
  ).jobs;
  for (const field of ['schedules', 'task', 'retry', 'exclusive', 'history', 'notify'] as const)
    expect(one?.[field]).toBe(other?.[field]);
  expect(third?.schedules).not.toBe(one?.schedules);
});

test('warns of what has no effect, with its place, and reads on', () => {
  const { warnings, jobs } = bench.parse(
    `{"jobs": {\n"a": {"schedule": "2001-01-01T00:00:00Z", ${SHELL}},\n"b": {"schedule": {"every": "5m", "timezone": "UTC"}, ${SHELL}}}}`,
  );
  expect(jobs).toHaveLength(2);
  expect(warnings.map(({ line, path, message }) => [line, path, message])).toEqual([
    [2, 'jobs.a.schedule', 'all of its ticks are in the past'],
    [3, 'jobs.b.schedule.timezone', 'has no effect on "every"'],
  ]);
});

describe('a file', () => {
  test('that does not exist is CONFIG_UNREADABLE, with what to do', () => {
    const path = join(bench.folder, 'none.json');
    const code = { code: 'CONFIG_UNREADABLE', message: expect.stringMatching(/no such file; "tickwise init"/) as string };
    expect(() => loadConfig(path, bench.options)).toThrow(expect.objectContaining(code));
  });

  test('that is a folder is CONFIG_UNREADABLE', () => {
    mkdirSync(join(bench.folder, 'folder.json'));
    const load = (): unknown => loadConfig(join(bench.folder, 'folder.json'), bench.options);
    expect(load).toThrow(
      expect.objectContaining({ code: 'CONFIG_UNREADABLE', message: expect.stringMatching(/EISDIR/) as string }),
    );
  });

  test('that is not UTF-8 is refused in one line', () => {
    const path = join(bench.folder, 'binary.json');
    writeFileSync(path, Buffer.from([0x7b, 0xff, 0xfe, 0x00, 0x7d]));
    expect(problemsOf(() => loadConfig(path, bench.options))).toMatchObject([
      { line: 1, column: 1, message: 'the file is not UTF-8 text' },
    ]);
  });

  test('is read from where it is, with its own folder as the base', () => {
    const path = join(bench.folder, 'real.json');
    writeFileSync(path, `{"jobs": {"a": {"task": {"module": "./jobs/work.ts"}}}}`);
    const { file, baseDir, jobs } = loadConfig(path, bench.options);
    expect([file, baseDir, jobs.length]).toEqual([path, bench.folder, 1]);
  });
});

/** Paths of what is not frozen. */
function thawed(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const inside = Object.entries(value).flatMap(([key, part]) => thawed(part, `${path}.${key}`));
  return Object.isFrozen(value) ? inside : [path, ...inside];
}

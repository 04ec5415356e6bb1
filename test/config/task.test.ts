import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { setup } from './setup.ts';

const bench = setup();
afterAll(() => bench[Symbol.dispose]());

const jobWith = (task: unknown): ReturnType<typeof bench.job> => bench.job(JSON.stringify({ task }));

test('resolves a module against the folder of the file', () => {
  const expected = { kind: 'module', module: join(bench.folder, 'jobs/work.ts'), export: 'default' };
  expect(jobWith({ module: './jobs/work.ts' }).task).toEqual(expected);
  expect(jobWith({ module: join(bench.folder, 'jobs/work.ts') }).task).toEqual(expected);
  expect(jobWith({ module: pathToFileURL(join(bench.folder, 'jobs/work.ts')).href }).task).toEqual(expected);
});

test('leaves the name of an installed package as it is', () => {
  expect(jobWith({ module: 'some-package/deep/path.js', export: 'run' }).task).toMatchObject({
    module: 'some-package/deep/path.js',
    export: 'run',
  });
});

test('runs a module in a worker, a command in a process, a request inline', () => {
  const tasks = [
    { module: './jobs/work.ts' },
    { command: ['true'] },
    { shell: 'true' },
    { http: { url: 'https://example.org/' } },
  ];
  expect(tasks.map((task) => jobWith(task).isolation)).toEqual(['worker', 'process', 'process', 'inline']);
});

test('resolves a program that is a path, and leaves one that is a name to PATH', () => {
  expect(jobWith({ command: ['./jobs/run.sh', './x'] }).task).toMatchObject({
    command: [join(bench.folder, 'jobs/run.sh'), './x'],
  });
  expect(jobWith({ command: ['run.sh'] }).task).toMatchObject({ command: ['run.sh'] });
});

test('runs a command in the folder of the file, or where it says', () => {
  expect(jobWith({ command: ['true'] }).task).toMatchObject({ cwd: bench.folder });
  expect(jobWith({ shell: 'true', cwd: 'jobs', env: { A_1: '' } }).task).toEqual({
    kind: 'shell',
    shell: 'true',
    cwd: join(bench.folder, 'jobs'),
    env: { A_1: '' },
  });
});

test('warns of a working directory that does not exist', () => {
  const { warnings } = bench.parse('{"jobs": {"a": {"task": {"shell": "true", "cwd": "later"}}}}');
  expect(warnings).toMatchObject([{ path: 'jobs.a.task.cwd', message: 'this folder does not exist (got "later")' }]);
});

test.each([
  [{ url: 'https://example.org/a?b' }, { method: 'GET', headers: {} }],
  [
    { url: 'HTTP://example.org/', body: 'x' },
    { method: 'POST', body: 'x' },
  ],
  [
    { url: 'http://[::1]:80/', method: 'PUT', headers: { 'X-A': 'b' } },
    { method: 'PUT', headers: { 'X-A': 'b' } },
  ],
])('reads the request %j', (http, expected) => {
  expect(jobWith({ http }).task).toMatchObject({ kind: 'http', url: http.url, ...expected });
});

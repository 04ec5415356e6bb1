import { afterAll, expect, test } from 'vitest';
import { parseConfigObject } from '../../src/config/load.ts';
import { problemsOf, setup } from './setup.ts';

const bench = setup();
afterAll(() => bench[Symbol.dispose]());

const read = (value: unknown): ReturnType<typeof parseConfigObject> =>
  parseConfigObject(value, { ...bench.options, baseDir: bench.folder });
const faultsOf = (value: unknown): string[] => problemsOf(() => read(value)).map(({ path, message }) => `${path}: ${message}`);

class Handler {
  handleTimeoutTask(): boolean {
    return true;
  }
}

test.each([
  ['a function', async () => {}],
  ['a handler', { handleTimeoutTask: () => true }],
  ['a handler of a class', new Handler()],
  ['a class', Handler],
])('takes %s for a task, as it is, inline', (_, target) => {
  const { jobs } = read({ jobs: { a: { schedule: '@daily', task: target } } });
  expect(jobs[0]?.task).toEqual({ kind: 'function', target });
  expect(jobs[0]?.isolation).toBe('inline');
  expect((jobs[0]!.task as { target: unknown }).target).toBe(target);
  expect(Object.isFrozen(target)).toBe(false);
});

test('takes tasks of the file as well, relative to the base folder', () => {
  expect(read({ jobs: { a: { task: { module: './jobs/work.ts' } } } }).jobs[0]?.task).toMatchObject({ kind: 'module' });
});

test('keeps nothing of what it was given', () => {
  const input = { list: [1] };
  const config = read({ jobs: { a: { task: { module: './jobs/work.ts', input } } } });
  input.list.push(2);
  expect(config.jobs[0]?.task.input).toEqual({ list: [1] });
});

test('takes undefined for absent', () => {
  expect(read({ timezone: undefined, jobs: { a: { task: () => {}, budget: undefined } } }).timezone).toBe('Europe/Vienna');
});

test('gives paths and no places', () => {
  const problems = problemsOf(() => read({ jobs: { a: { task: () => {}, budget: 5, isolation: 'worker' } } }));
  expect(problems.map((problem) => problem.path)).toEqual(['jobs.a.budget', 'jobs.a.isolation']);
  for (const problem of problems) expect(Object.keys(problem)).toEqual(['path', 'message']);
});

test.each([
  [
    'a function elsewhere',
    { jobs: { a: { task: () => {}, budget: () => {} } } },
    'jobs.a.budget: a value of type function (expected what JSON can say)',
  ],
  [
    'an object of a class',
    { jobs: { a: { task: { module: './jobs/work.ts', input: new Date(0) } } } },
    'jobs.a.task.input: an object of a class (expected a plain object)',
  ],
  ['an own __proto__', JSON.parse('{"jobs": {"__proto__": {}}}') as unknown, 'jobs.__proto__: this key is not allowed anywhere'],
  ['nothing', undefined, ': the configuration is of the wrong kind (expected an object with "jobs")'],
  [
    'a getter that throws',
    {
      get jobs() {
        throw new Error('x');
      },
    },
    ': the configuration cannot be read: one of its properties throws',
  ],
])('refuses %s', (_, value, expected) => {
  expect(faultsOf(value)).toContain(expected);
});

test('refuses cycles, each where it closes', () => {
  const input: Record<string, unknown> = {};
  input['one'] = input;
  input['other'] = [input];
  expect(faultsOf({ jobs: { a: { task: { module: './jobs/work.ts', input } } } })).toEqual([
    'jobs.a.task.input.one: an object that holds itself (expected what JSON can say)',
    'jobs.a.task.input.other[0]: an object that holds itself (expected what JSON can say)',
  ]);
});

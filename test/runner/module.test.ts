import { expect, it } from 'vitest';
import { importTask } from '../../src/runner/module.ts';
import { TASKS } from './setup.ts';

it('finds a handler, a class and a function by the name of the export', async () => {
  expect(await importTask(TASKS, 'doneAtOnce', 'job')).toHaveProperty('handleTimeoutTask');
  expect(await importTask(TASKS, 'Counter', 'job')).toBeTypeOf('function');
  expect(await importTask(TASKS, 'default', 'job')).toBe(await importTask(TASKS, 'doneAtOnce', 'job'));
});

it.each([
  ['a module that is not there', '/nowhere.ts', 'default', /^job job: module \/nowhere\.ts cannot be imported: /],
  [
    'a package that is not there',
    'no-such-package-at-all',
    'default',
    /^job job: module no-such-package-at-all cannot be imported: /,
  ],
  ['an export that is not there', TASKS, 'toString', /has no export toString; it exports /],
  ['an export that is no task', TASKS, 'notATask', /is of type number; expected an object with handleTimeoutTask/],
])('names job, module and export for %s', async (_what, module, name, message) => {
  await expect(importTask(module, name, 'job')).rejects.toMatchObject({
    code: 'TASK_INVALID',
    message: expect.stringMatching(message) as unknown,
  });
});

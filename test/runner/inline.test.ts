import { createInlineRunner } from '../../src/runner/inline.ts';
import { describeRunner } from './conformance.ts';
import * as tasks from './fixtures/tasks.ts';
import { clock } from './setup.ts';

describeRunner('inline', {
  create: () => createInlineRunner(clock, ({ job }) => (job.task as { target: unknown }).target),
  task: (temper) => ({ kind: 'function', target: tasks[temper] }),
  hasForce: false,
  survivesCrashes: false,
  ownsProcesses: false,
  release: tasks.release,
});

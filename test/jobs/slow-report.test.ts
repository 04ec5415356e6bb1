import { expect, it } from 'vitest';
import type { StepResult } from '../../src/core/task.ts';
import slowReport, { type ReportCheckpoint, type ReportInput } from '../../config/jobs/slow-report.ts';
import { type Bundle, contextOf, setup } from './drive.ts';

const FILES = {
  'src/a.ts': '1\n2\n',
  'src/deep/b.ts': '1\n',
  'docs/c.md': '1\n2\n3\n',
  'docs/LICENSE': '1\n',
  'elsewhere/d.ts': '1\n',
};

/** All steps of a run; `between` is called after each. */
async function run(tree: Bundle, own: ReportInput = {}, between?: () => void): Promise<StepResult<ReportCheckpoint>[]> {
  const input = { root: tree.root, folders: ['src', 'docs', 'nowhere'], ...own };
  const steps: StepResult<ReportCheckpoint>[] = [];
  do {
    const step = await slowReport.handleTimeoutTask(contextOf<ReportCheckpoint, ReportInput>(input, steps.at(-1)?.checkpoint));
    if (typeof step === 'boolean') throw new Error('a step without a result');
    steps.push(JSON.parse(JSON.stringify(step)) as StepResult<ReportCheckpoint>);
    between?.();
  } while (steps.at(-1)?.done === false && steps.length < 100);
  return steps;
}

it('counts each file of its folders once, over all of its steps', async () => {
  using tree = setup(FILES);
  const steps = await run(tree);
  expect(steps).toHaveLength(11);
  expect(steps.at(-1)?.result).toEqual({
    files: 4,
    lines: 7,
    linesByExtension: { '.ts': 3, '.md': 3, none: 1 },
    longest: { path: 'docs/c.md', lines: 3 },
  });
});

it('rests for five seconds in all, and shows how far it is', async () => {
  using tree = setup(FILES);
  const steps = await run(tree);
  expect(steps.reduce((sum, { waitMs = 0 }) => sum + waitMs, 0)).toBe(5_000);
  expect(steps.map(({ progress }) => progress?.completed)).toEqual(steps.map((_, index) => index + 1));
});

it('counts no file twice when files come and go between its steps', async () => {
  using tree = setup(FILES);
  let count = 0;
  const steps = await run(tree, {}, () => {
    tree.write(`src/0-new-${count++}.txt`, '');
    if (count === 11) tree.remove('src/a.ts');
  });
  const result = steps.at(-1)?.result as ReportCheckpoint;
  expect(result.linesByExtension).toMatchObject({ '.ts': 3, '.md': 3, none: 1 });
});

import { expect, it } from 'vitest';
import type { RunAnswer } from '../../src/cli/answer.ts';
import { ProgressLine, type Screen } from '../../src/cli/progress.ts';

const NOW = Date.UTC(2026, 2, 28, 3);
const ERASE = '\r\u001b[2K';

function setup(screen: Partial<Screen> = {}, terminal = 'xterm'): { line: ProgressLine; written: string[] } {
  const written: string[] = [];
  return {
    line: new ProgressLine(
      { isTTY: true, columns: 100, write: (text) => written.push(text), ...screen },
      { terminal, paint: ({ text }) => text },
    ),
    written,
  };
}

function run(told: Partial<RunAnswer> = {}): RunAnswer {
  const at = new Date(NOW - 41_000).toISOString();
  const times = { tick: at, queuedAt: at, startedAt: at, deadline: new Date(NOW + 259_000).toISOString() };
  return {
    id: '0mhxw3k1c-1a2b3c41x2y3z4',
    job: 'nightly',
    cause: 'trigger',
    state: 'running',
    steps: 12,
    attempts: 1,
    ...times,
    ...told,
  };
}

it('tells of time, budget, steps and progress', () => {
  const { line, written } = setup();
  line.update(run({ progress: { completed: 120, total: 400, message: 'page 12' } }), NOW);
  expect(written).toEqual([`${ERASE}nightly running · 41s · 4m19s of budget left · 12 steps · 120 of 400 (30 %) · page 12`]);
});

it('tells what a stop waits for, and that the budget is spent', () => {
  const { line, written } = setup();
  const deadline = new Date(NOW - 1).toISOString();
  line.update(run({ state: 'blocked', deadline, steps: 0, waitingFor: 'process 4711 is alive' }), NOW);
  expect(written).toEqual([`${ERASE}nightly blocked · 41s · budget spent · process 4711 is alive`]);
});

it.each([20, 40, 8])('never fills the last of %d columns, where the terminal would break the line', (columns) => {
  const { line, written } = setup({ columns });
  line.update(run({ progress: { completed: 1, message: 'x'.repeat(200) } }), NOW);
  expect(written[0]?.slice(ERASE.length).length).toBeLessThan(columns);
  expect(written[0]).toMatch(/…$/);
});

it('takes nothing from a job that moves the cursor', () => {
  const { line, written } = setup();
  line.update(run({ progress: { completed: 1, message: 'up\u001b[5A\u0007\nand\r\u009b2Jaway\u2028!' } }), NOW);
  expect(written[0]?.slice(ERASE.length)).not.toMatch(/[\p{Cc}\u2028]/u);
});

it.each([
  [{ isTTY: false }, 'xterm'],
  [{}, 'dumb'],
])('prints a plain line for each change where no line can be redrawn', (screen, terminal) => {
  const { line, written } = setup(screen, terminal);
  line.update(run({ steps: 1 }), NOW);
  line.update(run({ steps: 1 }), NOW + 10_000);
  line.update(run({ steps: 2 }), NOW + 20_000);
  line.clear();
  expect(written).toEqual([
    'run 0mhxw3k1c-1a2b3c41x2y3z4, running, 1 step\n',
    'run 0mhxw3k1c-1a2b3c41x2y3z4, running, 2 steps\n',
  ]);
});

it('leaves nothing of itself behind', () => {
  const { line, written } = setup();
  line.clear();
  line.update(run(), NOW);
  line.clear();
  line.clear();
  expect(written).toEqual([expect.stringContaining('nightly'), ERASE]);
});

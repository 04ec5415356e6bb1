import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { isAlive, parseStat, readEnvironment, readProcess } from '../../src/runner/proc.ts';
import { ProcessTable } from '../../src/runner/process-table.ts';

const numbers = '7 8 9 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 272707 1000 50';

test.each(['sh', 'a b', 'x) R 1 2', '((', ')', 'two\nlines'])('reads a process whose name is %j', (name) => {
  expect(parseStat(`42 (${name}) S ${numbers}\n`)).toEqual({
    pid: 42,
    parent: 7,
    group: 8,
    session: 9,
    state: 'S',
    start: 272707,
    isKernel: false,
  });
});

test.each(['', '42', '42 (sh) S 1 2'])('reads nothing from %j', (text) => {
  expect(parseStat(text)).toBeUndefined();
});

test('tells the threads of the kernel', () => {
  expect(parseStat(`42 (kworker/0:1) I ${numbers.replace('4194304', '69238880')}`)?.isKernel).toBe(true);
});

test('takes a zombie for dead', () => {
  const zombie = parseStat(`42 (sh) Z ${numbers}`);
  expect(zombie !== undefined && isAlive(zombie)).toBe(false);
});

test('knows nothing of a process that is gone', async () => {
  const child = spawn('/bin/true');
  await once(child, 'exit');
  expect(readProcess(child.pid ?? 0)).toBeUndefined();
  expect(readEnvironment(child.pid ?? 0)).toBeUndefined();
});

test('shares one reading of the table among those who ask in one turn, and reads again for later ones', async () => {
  const table = new ProcessTable();
  const [first, second] = [table.read(), table.read()];
  expect(first).toBe(second);
  const reading = await first;
  expect(reading.alive.some(({ pid }) => pid === process.pid)).toBe(true);
  expect(table.read()).not.toBe(first);
});

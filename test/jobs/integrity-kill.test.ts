import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { IntegrityReport } from '../../config/jobs/integrity-index.ts';
import { type Bundle, setup, timeless } from './drive.ts';

const DRIVER = fileURLToPath(new URL('integrity-driver.ts', import.meta.url));
const FILES = Object.fromEntries(Array.from({ length: 70 }, (_, index) => [`d${index % 7}/f${index}`, `content ${index}`]));
const MOST_KILLS = 200;

/** Runs the driver until it has made so many steps, then kills it. Resolves with the report if it got that far. */
async function driveAndKill(tree: Bundle, steps: number): Promise<IntegrityReport | undefined> {
  const args = [DRIVER, JSON.stringify(tree.input), `${tree.input.index}.checkpoint`];
  const child: ChildProcessByStdio<null, Readable, null> = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  let report: IntegrityReport | undefined;
  let made = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line !== '.') report = JSON.parse(line) as IntegrityReport;
    else if (++made === steps) child.kill('SIGKILL');
  }
  await ended;
  return report;
}

it('a pass whose process is killed again and again, in the middle of its steps, ends with the report of an undisturbed one', async () => {
  using undisturbed = setup(FILES, { entriesPerStep: 2 });
  const expected = { ...timeless(undisturbed.pass().report), root: '' };
  using tree = setup(FILES, { entriesPerStep: 2 });
  let report: IntegrityReport | undefined;
  let kills = 0;
  for (; report === undefined && kills < MOST_KILLS; kills++) report = await driveAndKill(tree, 1 + ((kills * 5) % 11));
  expect(kills).toBeGreaterThan(5);
  expect(report && { ...timeless(report), root: '' }).toEqual(expected);
});

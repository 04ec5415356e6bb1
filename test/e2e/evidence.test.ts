import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { overlaps, readEvidence } from './evidence.ts';

/** Reads these lines as the evidence of a job. */
function read(...lines: string[]): ReturnType<typeof readEvidence> {
  const dir = mkdtempSync(join(tmpdir(), 'tickwise-evidence-'));
  try {
    writeFileSync(join(dir, 'evidence'), `${lines.join('\n')}\n`);
    return readEvidence(join(dir, 'evidence'));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

it('joins the words of one run', () => {
  expect(read('start a 10 1.5', 'left a 11 2.5', 'end a 10 2.25')).toEqual([
    { runId: 'a', pids: [10, 11], from: 1.5, until: 2.5, hasEnded: true },
  ]);
});

it('sees a run that began before the last word of another', () => {
  expect(overlaps(read('start a 1 1', 'beat a 1 2', 'start b 2 2.01', 'end b 2 3'))).toEqual([]);
  expect(overlaps(read('start a 1 1', 'start b 2 2', 'left a 3 2.5', 'end b 2 3'))).toEqual([
    'b began at 2 s, and a was alive at 2.5 s',
  ]);
});

it('sees a run within a longer one, behind another', () => {
  expect(overlaps(read('start a 1 1', 'start b 2 2', 'end b 2 3', 'start c 3 4', 'end c 3 5', 'end a 1 9'))).toHaveLength(2);
});

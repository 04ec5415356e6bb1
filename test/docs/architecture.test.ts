import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { LIVE_STATES, RUN_OUTCOMES, TRANSITIONS } from '../../src/core/run.ts';

const TEXT = readFileSync('ARCHITECTURE.md', 'utf8');

test('is at most 150 lines', () => {
  expect(TEXT.split('\n').length).toBeLessThanOrEqual(151);
});

test('draws the states of a run as the table has them', () => {
  const arrows = LIVE_STATES.flatMap((from) => TRANSITIONS[from].map((to) => `  ${from} --> ${to}`));
  const ends = RUN_OUTCOMES.map((outcome) => `  ${outcome} --> [*]`);
  const diagram = ['stateDiagram-v2', '  [*] --> queued', ...arrows, ...ends].join('\n');
  expect(TEXT).toContain(`\`\`\`mermaid\n${diagram}\n\`\`\``);
});

test.each(['ARCHITECTURE.md', 'README.md', 'CONTRIBUTING.md', 'docs/bench.md', 'docs/dst.md', 'docs/evidence.md'])(
  '%s names only files that exist',
  (file) => {
    const text = readFileSync(file, 'utf8');
    const named = [...text.matchAll(/`((?:src|test|docs|bench|config)\/[\w./-]+)`|\]\(((?!https?:)[^)#]+)\)/g)].map(
      (match) => match[1] ?? match[2] ?? '',
    );
    expect(named.length).toBeGreaterThan(0);
    const folder = dirname(file);
    expect(named.filter((path) => !existsSync(path) && !existsSync(join(folder, path)))).toEqual([]);
  },
);

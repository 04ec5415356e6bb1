import { expect, it } from 'vitest';
import flakyUpstream, { isDown, type LockReport, type UpstreamInput } from '../../config/jobs/flaky-upstream.ts';
import { type Bundle, contextOf, setup } from './drive.ts';

const LOCK = {
  packages: {
    '': { version: '1.0.0' },
    'node_modules/same': { version: '1.2.3' },
    'node_modules/@scope/other': { version: '2.0.0' },
    'node_modules/missing': { version: '3.0.0' },
    'node_modules/elsewhere': { version: '4.0.0', optional: true },
    'node_modules/linked': { link: true },
  },
};
const FILES = {
  'package-lock.json': JSON.stringify(LOCK),
  'node_modules/same/package.json': '{"version": "1.2.3"}',
  'node_modules/@scope/other/package.json': '{"version": "2.0.1"}',
};

async function run(tree: Bundle, own: UpstreamInput = {}, at: { tick?: number; attempt?: number } = {}): Promise<LockReport> {
  const step = await flakyUpstream.handleTimeoutTask(contextOf<never, UpstreamInput>({ root: tree.root, ...own }, undefined, at));
  if (typeof step === 'boolean') throw new Error('a step without a result');
  return step.result as LockReport;
}

it('compares what is locked with what is installed', async () => {
  using tree = setup(FILES);
  expect(await run(tree, { failPercent: 0 })).toEqual({
    packages: 4,
    matching: 1,
    optional: 1,
    differingCount: 2,
    differing: [
      { path: 'node_modules/@scope/other', locked: '2.0.0', installed: '2.0.1' },
      { path: 'node_modules/missing', locked: '3.0.0', installed: null },
    ],
  });
});

it('fails, and names the attempt, while the upstream is down', async () => {
  using tree = setup(FILES);
  await expect(run(tree, { failPercent: 100 }, { attempt: 2 })).rejects.toThrow('503 Service Unavailable (attempt 2)');
});

it('finds the upstream down by tick and attempt alone, so that a tick can be played again', () => {
  const ticks = Array.from({ length: 40 }, (_, index) => 1_790_000_000_000 + index * 15_000);
  const pattern = ticks.map((tick) => (isDown(tick, 1, 40) ? 'x' : '.')).join('');
  expect(pattern).toBe('xx..x.x.x.x.x..x..x.x..x.x..xxx.xx.xx..x');
});

it('finds it down in four of ten attempts, whichever attempt it is', () => {
  for (const attempt of [1, 2, 3]) {
    const down = Array.from({ length: 2_000 }, (_, index) => isDown(index * 15_000, attempt, 40)).filter(Boolean).length;
    expect(down / 2_000).toBeCloseTo(0.4, 1);
  }
});

it('lets a later attempt succeed where the first one failed', () => {
  const healed = Array.from({ length: 100 }, (_, index) => index * 15_000).filter(
    (tick) => isDown(tick, 1, 40) && !isDown(tick, 2, 40),
  );
  expect(healed.length).toBeGreaterThan(10);
});

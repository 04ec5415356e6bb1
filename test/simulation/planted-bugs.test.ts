import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const BUGS = join(ROOT, 'test/simulation/bugs');

interface Copy extends Disposable {
  /** Applies a patch; throws when it no longer applies. */
  plant(patch: string): void;
  simulate(...args: readonly string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string };
}

/** A copy of the sources, outside of the checkout. */
function copySources(): Copy {
  const folder = mkdtempSync(join(tmpdir(), 'tickwise-planted-'));
  cpSync(join(ROOT, 'src'), join(folder, 'src'), { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return {
    plant: (patch) => void execFileSync('git', ['apply', join(BUGS, patch)], { cwd: folder, stdio: 'pipe' }),
    simulate: (...args) =>
      spawnSync(process.execPath, ['src/testing/simulate-main.ts', '--quiet', ...args], { cwd: folder, encoding: 'utf8' }),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const SEEDS = ['--seed', '1', '--seeds', '6', '--hours', '20'];

test('the simulation finds nothing in the sources as they are', () => {
  using copy = copySources();
  const { status, stdout, stderr } = copy.simulate(...SEEDS);
  expect(stderr).toBe('');
  expect(stdout).toContain('no violation in 120 simulated hours over 6 seeds');
  expect(status).toBe(0);
});

test.each([
  ['gate.patch', 'the gate lets a run start while another job holds its resource', 'never two'],
  ['release.patch', 'the slot is freed when a run is asked to stop, and not on the proof', 'proved dead'],
  ['fence.patch', 'the fence does not grow', 'fence'],
  ['doubt.patch', 'a turn in doubt is put back and built anew', 'a bug'],
  ['orphan.patch', 'a slot is freed although a process of its run is alive', 'proved dead'],
])('the simulation finds %s: %s', (patch, _, promise) => {
  using copy = copySources();
  copy.plant(patch);
  const { status, stderr } = copy.simulate(...SEEDS);
  expect(status).toBe(1);
  const [, seed, broken] = /^seed (\d+), after [\d.]+ simulated seconds: ([^:]+): /m.exec(stderr) ?? [];
  expect(broken).toBe(promise);
  expect(stderr).toContain(`replay: npm run simulate -- --seed ${seed} --hours 20`);
});

test('a violation replays from its seed to the same event', () => {
  using copy = copySources();
  copy.plant('gate.patch');
  const first = copy.simulate(...SEEDS).stderr;
  const seed = /^seed (\d+)/m.exec(first)?.[1] ?? '';
  expect(copy.simulate('--seed', seed, '--hours', '20').stderr).toBe(first);
});

test('a wrong argument is told with the usage', () => {
  using copy = copySources();
  expect(copy.simulate('--hours', 'many')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('usage: npm run simulate'),
  });
});

/** A short drill of the real daemon, and the lock drill; the long ones are run by hand: `npm run drill`, see docs/evidence.md. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const BOUND_MS = 120_000;

/** A drill's JSON, as far as it is asked for here. */
interface Told {
  readonly faults: Readonly<Record<string, readonly string[]>>;
  readonly figures: Readonly<Record<string, number | string>>;
  readonly disturbances?: Readonly<Record<string, number>>;
}

describe.skipIf(!existsSync('/proc/self/environ'))('a daemon that is killed and frozen again and again', () => {
  test(
    'keeps its promises by the evidence of its jobs',
    async () => {
      const told = await drilled('--seconds', '12', '--seed', '16', '--plain');
      expect(told.disturbances).toMatchObject({
        kill: expect.any(Number),
        freeze: expect.any(Number),
        freezeChild: expect.any(Number),
      });
      expect(Number(told.figures['runs that gave evidence'])).toBeGreaterThan(20);
      expect(Object.values(told.faults).flat()).toEqual([]);
    },
    BOUND_MS,
  );

  test(
    'finds the lock free that a child of the killed run held in a session of its own',
    async () => {
      const told = await drilled('--flock', '3');
      expect(told.figures).toMatchObject({ kills: 3, 'runs lost': 3 });
      expect(Object.values(told.faults).flat()).toEqual([]);
    },
    BOUND_MS,
  );
});

async function drilled(...args: readonly string[]): Promise<Told> {
  const dir = mkdtempSync(join(tmpdir(), 'tickwise-drill-test-'));
  try {
    const json = join(dir, 'drill.json');
    const { promise, resolve } = Promise.withResolvers<string>();
    execFile(process.execPath, [MAIN, ...args, '--json', json], (_error, stdout, stderr) => resolve(stdout + stderr));
    const output = await promise;
    if (!existsSync(json)) throw new Error(`the drill told nothing: ${output}`);
    return JSON.parse(readFileSync(json, 'utf8')) as Told;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/**
 * A power cut at any write: no finished run forgotten, no started run unknown, no turn torn, and no hand needed.
 *
 * The model. A daemon in miniature is run once under strace, so every write, truncation, sync and removal that SQLite asks of the kernel is on
 * record in its order, for the file, its log and its rollback journal, from the first byte of a new ledger over several checkpoints, a clean
 * close and a second life. The power is then cut between any two of these calls. What had been synced is there. Of what had not, each file on
 * its own keeps: nothing; everything; a beginning whose last write is torn at a sector of 512 bytes; or any sectors of any writes, in disregard of
 * their order. Names that were made or removed are durable with the sync of the folder (a new name also with that of its file), and otherwise
 * there or not. Not in the model: a sector that is itself torn, a disk that lies about a sync, and writes through shared memory (the index of the
 * log, which SQLite rebuilds).
 *
 * POWER_CUTS=n tries n cuts instead of a sample; POWER_CUT_SEED=n replays them.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, type TestContext } from 'vitest';
import { createRandom } from '../../src/testing/random.ts';
import { Disk, FATES } from './disk.ts';
import { judge } from './judge.ts';
import { type DiskEvent, record } from './recording.ts';
import type { Fact } from './turns.ts';

const WRITER = fileURLToPath(new URL('writer.ts', import.meta.url));
const CUTS = Number(process.env['POWER_CUTS'] ?? 30);
const SEED = Number(process.env['POWER_CUT_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

interface Recording extends Disposable {
  readonly events: readonly DiskEvent[];
  readonly facts: readonly Fact[];
  /** For disks after the cut. */
  readonly folder: string;
}

function setup(context: TestContext, synchronous: 'full' | 'normal', turns: number): Recording {
  const folder = mkdtempSync(join(tmpdir(), 'tickwise-power-cut-'));
  const path = join(folder, 'ledger.db');
  const factsPath = join(folder, 'facts');
  const isWanted = (file: string): boolean =>
    file === factsPath || (file.startsWith(path) && !/-(lock|shm)/.test(file.slice(path.length)));
  const events = record([WRITER, path, factsPath, synchronous, String(turns)], join(folder, 'strace'), folder, isWanted);
  if (typeof events === 'string') return context.skip(events);
  const facts = readFileSync(factsPath, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Fact);
  return { events, facts, folder: join(folder, 'cut'), [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Cuts the power at so many moments, and gives back what went wrong, each with its place. */
async function cut({ events, facts, folder }: Recording, cuts: number): Promise<string[]> {
  const random = createRandom(SEED);
  const moments = new Map<number, number>();
  for (let index = 0; index < cuts; index++) {
    const moment = random.int(1, events.length);
    moments.set(moment, (moments.get(moment) ?? 0) + 1);
  }
  const faults: string[] = [];
  const disk = new Disk();
  let reported = 0;
  for (const [index, event] of events.entries()) {
    if ('file' in event && event.file === 'facts') reported += event.kind === 'write' ? 1 : 0;
    else disk.apply(event);
    for (let times = moments.get(index + 1) ?? 0; times > 0; times--) {
      const fate = random.pick(FATES);
      disk.layOut(folder, fate, random);
      await judge(join(folder, 'ledger.db'), facts, reported).catch((error: unknown) => {
        faults.push(
          `after event ${index + 1} of ${events.length}, ${fate} of the unsynced writes kept, ${reported} turns reported: ${String(error)}`,
        );
      });
    }
  }
  return faults;
}

/** The file is written back into, the log begun again and removed, and each commit synced; else the cuts would show little. */
function expectCoverage({ events, facts }: Recording, turns: number): void {
  const count = (wanted: Partial<DiskEvent & { at: number }>): number =>
    events.filter((event) =>
      Object.entries(wanted).every(([key, value]) => (event as unknown as Record<string, unknown>)[key] === value),
    ).length;
  expect(facts).toHaveLength(turns);
  expect(count({ kind: 'write', file: 'facts' })).toBe(turns);
  expect(count({ kind: 'write', file: 'ledger.db' })).toBeGreaterThan(50);
  expect(count({ kind: 'sync', file: 'ledger.db-wal' })).toBeGreaterThanOrEqual(turns);
  expect(count({ kind: 'write', file: 'ledger.db-wal', at: 0 })).toBeGreaterThanOrEqual(3);
  expect(count({ kind: 'remove', file: 'ledger.db-wal' })).toBeGreaterThan(0);
}

it(
  `forgets no finished run and knows every started one, over ${CUTS} power cuts (seed ${SEED})`,
  { timeout: 3_600_000 },
  async (context) => {
    using recording = setup(context, 'full', 80);
    expectCoverage(recording, 80);
    expect(await cut(recording, CUTS)).toEqual([]);
  },
);

it('would see a commit that is reported and not synced', { timeout: 600_000 }, async (context) => {
  using recording = setup(context, 'normal', 16);
  expect((await cut(recording, 12)).join('\n')).toMatch(/the slots are neither as it left them/);
});

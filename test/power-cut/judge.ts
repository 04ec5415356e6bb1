/** Starts on a disk that a power cut has left, and holds it against what had been reported. */
import assert from 'node:assert/strict';
import type { Store, TurnResult } from '../../src/core/store.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { verifyLedger } from '../../src/store/verify.ts';
import { createCalendar } from '../../src/system/calendar.ts';
import { endOf, NODE, ticksOf, turnOf } from '../store/fixture.ts';
import { type Fact, JOBS, TICK_MS } from './turns.ts';

/**
 * Opens the ledger and goes on with it. No hand helps.
 *
 * @param path of the ledger
 * @param facts of the whole recording
 * @param reported how many of them had been reported when the power failed
 * @throws AssertionError when a finished run is forgotten, a started run is unknown, a turn is torn, or the next turn does not work; or
 *   whatever the store throws
 */
export async function judge(path: string, facts: readonly Fact[], reported: number): Promise<void> {
  const newest = facts[reported - 1];
  await using store = await openSqliteStore({ path, node: { ...NODE, id: 'after-the-cut' }, synchronous: 'normal' });
  const slots = JSON.stringify(await store.slots());
  const next = facts[reported];
  // A turn that was not reported may be there, but only whole.
  const turn = [newest, next].find((fact) => fact?.slots === slots)?.turn;
  if (newest !== undefined)
    assert.ok(turn !== undefined, `after turn ${newest.turn} the slots are neither as it left them nor as the next did`);
  for (const id of newest?.ended ?? [])
    assert.deepEqual(
      (await store.findRuns(id)).map((run) => run.state),
      ['succeeded'],
      `run ${id} had finished`,
    );
  const begun = turn === newest?.turn ? newest : next;
  for (const [id, fence] of begun?.granted ?? [])
    assert.equal((await store.findRuns(id))[0]?.fence, fence, `run ${id} had started`);
  const slotsNow = await store.arm(JOBS, 0);
  await goOn(store, Math.max(...slotsNow.map((slot) => slot.decidedUntil)));
  assert.deepEqual(verifyLedger(path, createCalendar()).findings, []);
}

/** What was live is lost, and the next ticks are decided. */
async function goOn(store: Store, decidedUntil: number): Promise<void> {
  const at = decidedUntil + TICK_MS;
  const left = await store.liveRuns();
  assert.equal(new Set(left.map((run) => run.job)).size, left.length, 'a job has two live runs');
  const ends = left.map((run) => endOf({ job: run.job, runId: run.id, fence: run.fence }, at, { outcome: 'lost' }));
  const claims = JOBS.map((job) => ticksOf(job, [at - TICK_MS / 2, at]));
  const result = store.commit(turnOf(at, { ends, promotions: JOBS, claims })) as TurnResult;
  assert.ok(result.ended.every(Boolean), 'the end of what was live was refused');
  assert.ok(result.grants.length >= JOBS.length - 1, 'the next turn granted too few runs');
}

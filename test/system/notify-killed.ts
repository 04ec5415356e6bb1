/** A daemon in miniature, to be killed: a run of it ends badly, and it begins to tell a receiver that does not answer. */
import { writeSync } from 'node:fs';
import type { Job } from '../../src/core/job.ts';
import { makePlanMessages } from '../../src/core/plan-messages.ts';
import type { TurnResult } from '../../src/core/store.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { createNotifier } from '../../src/system/notify.ts';
import { jobWith, LineLog, ruleTo } from './notify-setup.ts';

const [path = '', webhook = '', telling = ''] = process.argv.slice(2);
const job: Job = jobWith('report', { notify: [ruleTo(webhook)] });
const node = { id: `node-${process.pid}`, host: 'h', bootId: 'b', pid: process.pid, pidStart: 1, startedAt: 1 };
const messages = makePlanMessages(() => job);
const store = await openSqliteStore({ path, node, messages });
const at = Date.now();
await store.arm([job], at - 120_000);
const turn = { at, ends: [], checkpoints: [], spawns: [], promotions: [], claims: [] };
const context = {
  now: at,
  liveSince: at - 120_000,
  draining: false,
  matched: true,
  waitingForPlace: false,
  exclusiveHeld: false,
};
const claimed = store.commit({ ...turn, claims: [{ kind: 'ticks', job, dueTicks: [at - 1], context }] }) as TurnResult;
const { runId = '', fence } = claimed.grants[0] ?? {};
const clock = createSystemClock();
if (telling === 'telling')
  createNotifier({ outbox: store, jobs: () => [job], clock, log: new LineLog(), env: process.env }).wake();
const end = { job: 'report', runId, fence, outcome: 'failed', startedAt: at, endedAt: at, steps: 1, attempts: 1 } as const;
void store.commit({ ...turn, ends: [end] });
writeSync(1, `${runId}\n`);
clock.setTimer(clock.monotonic() + 60_000, () => process.exit(1));

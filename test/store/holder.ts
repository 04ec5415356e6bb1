/**
 * A daemon in miniature, to be killed: opens the ledger named on its command line, proves dead what its predecessor left, and commits
 * turn after turn. Each line on its standard output is a fact that `commit` has returned as durable.
 */
import { writeSync } from 'node:fs';
import type { Happening, MessageDraft } from '../../src/core/message.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { Grant, TurnResult } from '../../src/core/store.ts';
import { endOf, linesOf, makeJob, NODE, ticksOf, triggerOf, turnOf } from './fixture.ts';

const [path = '', mode = 'commit'] = process.argv.slice(2);
const history = { maxRunsPerJob: 1_000_000, maxAgeMs: 1e12 };
const schedules = [{ kind: 'every', everyMs: 500 }] as const;
const jobs = [
  makeJob('a', { schedules, history }),
  makeJob('b', { schedules, history, onOverlap: 'queue' }),
  makeJob('c', { schedules, history, exclusive: ['disk'] }),
  makeJob('d', { schedules, history, exclusive: ['disk'] }),
];
const messages = (happening: Happening): readonly MessageDraft[] =>
  happening.kind === 'ended' ? [{ job: happening.end.job, event: 'failed', target: 'hook', body: happening.end.runId }] : [];
const triggered = makeJob('e', { history, onOverlap: 'queue' });
const store = await openSqliteStore({ path, node: { ...NODE, id: `node-${process.pid}`, pid: process.pid }, messages });
const slots = await store.arm(jobs, 0);
let at = Math.max(...slots.map((slot) => slot.decidedUntil));
writeSync(1, '{"open":true}\n');
if (mode === 'hold') setInterval(() => undefined, 60_000);
else {
  await store.arm([triggered], 0);
  let grants: readonly Grant[] = (await store.liveRuns()).map((run) => ({ ...run, runId: run.id, fence: run.fence ?? 0 }));
  for (;;) grants = turn(grants);
}

function turn(live: readonly Grant[]): readonly Grant[] {
  at += 1_000;
  const ends = live.map((grant) => endOf(grant, at, { checkpoint: JSON.stringify(at) }));
  const idempotency = { key: String(at), fingerprint: 'same', until: at + 1e12 };
  const trigger = triggerOf(triggered, at, { runId: `t${at}`, idempotency });
  const claims = [...jobs.map((job) => ticksOf(job, [at - 500, at])), trigger, { ...trigger, runId: 'never' }];
  const result = store.commit(turnOf(at, { ends, promotions: [...jobs, triggered], claims })) as TurnResult;
  void store.appendLog(result.grants.map(({ runId }) => ({ runId, lines: linesOf(1, 2) })));
  const grants = result.grants.map(({ runId, fence }) => [runId, fence]);
  const repeated = result.decisions.at(-1)?.[0];
  if (repeated?.kind !== 'repeat') throw new Error('a key was not known in the turn that kept it');
  writeSync(1, `${JSON.stringify({ at, keyed: repeated.runId, ended: ends.map((end) => end.runId), grants })}\n`);
  return result.grants;
}

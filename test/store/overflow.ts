/** Run under a limit on the size of files: a turn that does not fit, then one that does. Prints what became of both as JSON. */
import type { Grant, TurnResult } from '../../src/core/store.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { ARMED_AT, endOf, makeJob, NODE, ticksOf, turnOf } from './fixture.ts';

const [path = ''] = process.argv.slice(2);
const job = makeJob('a');
const other = makeJob('b');
const store = await openSqliteStore({ path, node: NODE });
await store.arm([job, other], ARMED_AT);
const at = ARMED_AT + 1;
const { grants } = store.commit(turnOf(at, { claims: [ticksOf(job, [at])] })) as TurnResult;
const live = grants[0] as Grant;
const refused: unknown[] = [];
for (let round = 0; round < 2; round++) {
  try {
    const ends = [endOf(live, at, { checkpoint: JSON.stringify('x'.repeat(5_000_000)) })];
    await store.commit(turnOf(at + 1, { ends, claims: [ticksOf(other, [at + 1])] }));
  } catch (thrown) {
    const { code, message } = thrown as { code?: unknown; message?: unknown };
    refused.push({ code, message });
  }
}
const after = {
  live: (await store.liveRuns()).map((run) => run.job),
  checkpoint: (await store.checkpoint('a')) ?? null,
  ticks: (await store.ticks({ job: 'a', limit: 9 })).length + (await store.ticks({ job: 'b', limit: 9 })).length,
};
const { ended } = store.commit(turnOf(at + 2, { ends: [endOf(live, at)] })) as TurnResult;
process.stdout.write(JSON.stringify({ refused, after, next: { ended } }));

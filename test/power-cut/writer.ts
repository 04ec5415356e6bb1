/**
 * A daemon in miniature whose every write is recorded: it opens the ledger named on its command line, commits turns, closes it, opens it again,
 * commits on, and ends without closing. Each turn that `commit` has reported is told at once in a file of facts.
 */
import { openSync, writeSync } from 'node:fs';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { Grant, Store, TurnResult } from '../../src/core/store.ts';
import { endOf, NODE, ticksOf, turnOf } from '../store/fixture.ts';
import { type Fact, JOBS, TICK_MS } from './turns.ts';

const [path = '', factsPath = '', synchronous = 'full', turns = '0'] = process.argv.slice(2);
const facts = openSync(factsPath, 'w');
let written = 0;
let turn = 0;
let live: readonly Grant[] = [];

for (const life of [1, 2]) {
  const store = await openSqliteStore({
    path,
    node: { ...NODE, id: `life-${life}` },
    synchronous: synchronous === 'full' ? 'full' : 'normal',
  });
  await store.arm(JOBS, 0);
  while (turn < (life * Number(turns)) / 2) await next(store);
  if (life === 1) await store[Symbol.asyncDispose]();
}

async function next(store: Store): Promise<void> {
  const at = ++turn * TICK_MS;
  // Large enough that the log is written back into the file, and begun again, several times in a few hundred turns.
  const checkpoint = JSON.stringify(`${at}`.repeat(6_000));
  const ends = live.map((grant) => endOf(grant, at, { checkpoint }));
  const result = store.commit(
    turnOf(at, { ends, promotions: JOBS, claims: JOBS.map((job) => ticksOf(job, [at - TICK_MS / 2, at])) }),
  ) as TurnResult;
  live = result.grants;
  const fact: Fact = {
    turn,
    ended: ends.map(({ runId }) => runId),
    granted: live.map(({ runId, fence }) => [runId, fence]),
    slots: JSON.stringify(await store.slots()),
  };
  const line = `${JSON.stringify(fact)}\n`;
  // Written at a position, so that it is recorded in its place among the writes of the ledger.
  written += writeSync(facts, line, written);
}

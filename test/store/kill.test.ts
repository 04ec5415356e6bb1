/** What `commit` has returned survives `kill -9`, and the next daemon finds a whole ledger at once. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { Message } from '../../src/core/message.ts';
import type { RunRecord, TickRecord } from '../../src/core/ledger.ts';
import type { Store } from '../../src/core/store.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { verifyLedger } from '../../src/store/verify.ts';
import { createCalendar } from '../../src/system/calendar.ts';
import { linesOf, makeJob, NODE, tempFolder, triggerOf, turnOf } from './fixture.ts';

const HOLDER = fileURLToPath(new URL('holder.ts', import.meta.url));
const KILLS = 20;

interface Fact {
  readonly at: number;
  /** The run for which the key stands that this turn has kept. */
  readonly keyed: string;
  readonly ended: readonly string[];
  readonly grants: readonly (readonly [string, number])[];
}

/** Lets a child commit for a while, kills it, and gives back what it had reported. */
async function commitUntilKilled(path: string, lifeMs: number): Promise<Fact[]> {
  const child = spawn(process.execPath, [HOLDER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  const opened = Promise.withResolvers<void>();
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
    if (output.includes('\n')) opened.resolve();
  });
  const closed = once(child, 'close');
  await Promise.race([opened.promise, closed]);
  await sleep(lifeMs);
  child.kill('SIGKILL');
  await closed;
  const whole = output.slice(0, output.lastIndexOf('\n')).split('\n');
  return whole.slice(1).map((line) => JSON.parse(line) as Fact);
}

async function everyMessage(store: Store): Promise<Message[]> {
  const messages: Message[] = [];
  for (;;) {
    const page = await store.dueMessages(Number.MAX_SAFE_INTEGER, 1_000);
    if (page.length === 0) return messages;
    messages.push(...page);
    for (const { id } of page) await store.settleMessage(id, { kind: 'sent' });
  }
}

async function everything(store: Store): Promise<{ runs: Map<string, RunRecord>; ticks: TickRecord[] }> {
  const runs = new Map<string, RunRecord>();
  for (let after: string | undefined; ;) {
    const page = await store.runs({ limit: 1_000, ...(after === undefined ? {} : { after }) });
    for (const run of page) runs.set(run.id, run);
    after = page.at(-1)?.id;
    if (after === undefined) break;
  }
  const slots = await store.slots();
  const ticks = await Promise.all(slots.map((slot) => store.ticks({ job: slot.job, limit: 100_000 })));
  return { runs, ticks: ticks.flat() };
}

it(`forgets nothing that was committed, over ${KILLS} kills at random moments`, { timeout: 120_000 }, async () => {
  using folder = tempFolder();
  const path = folder.file('ledger.db');
  const facts: Fact[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const lifeMs = Math.random() * 60;
    facts.push(...(await commitUntilKilled(path, lifeMs)));
    await using store = await openSqliteStore({ path, node: { ...NODE, id: `judge-${kill}` } });
    expect(new Set((await store.liveRuns()).map((run) => run.job)).size).toBe((await store.liveRuns()).length);
  }
  expect(facts.length).toBeGreaterThan(KILLS);

  expect(verifyLedger(path, createCalendar()).findings).toEqual([]);
  await using store = await openSqliteStore({ path, node: { ...NODE, id: 'judge' }, synchronous: 'normal' });
  const { runs, ticks } = await everything(store);
  const keyed = makeJob('e');
  const later = Math.max(...facts.map((fact) => fact.at)) + 1_000;
  const claims = facts.map(({ at }) =>
    triggerOf(keyed, later, { idempotency: { key: String(at), fingerprint: 'same', until: later } }),
  );
  const { decisions } = await store.commit(turnOf(later, { claims }));
  expect(decisions).toEqual(facts.map((fact) => [{ kind: 'repeat', runId: fact.keyed, sameRequest: true }]));
  for (const fact of facts) {
    for (const [id, fence] of fact.grants) expect(runs.get(id)).toMatchObject({ fence });
    for (const id of fact.ended) expect(runs.get(id)).toMatchObject({ state: 'succeeded' });
    for (const [runId] of fact.grants) expect(await store.log({ runId, limit: 9 })).toEqual(linesOf(1, 2));
  }
  const ended = [...runs.values()].filter((run) => run.state === 'succeeded').map((run) => run.id);
  const told = (await everyMessage(store)).map(({ body }) => body);
  expect(told.sort()).toEqual(ended.sort());
  expect(runs.has('never')).toBe(false);
  for (const { job, fence, decidedUntil } of await store.slots()) {
    const fences = [...runs.values()]
      .filter((run) => run.job === job && run.fence !== undefined)
      .map((run) => run.fence as number);
    expect(fences.sort((a, b) => a - b)).toEqual(Array.from({ length: fence }, (_, index) => index + 1));
    const decided = ticks.filter((row) => row.job === job).map((row) => row.tick);
    expect(decided.sort((a, b) => a - b)).toEqual(Array.from({ length: decidedUntil / 500 }, (_, index) => (index + 1) * 500));
  }
});

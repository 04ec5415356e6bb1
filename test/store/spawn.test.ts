import { describe, expect, test } from 'vitest';
import type { Store } from '../../src/core/store.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { ARMED_AT, endOf, makeJob, NODE, tempFolder, ticksOf, turnOf } from './fixture.ts';

const TICK = ARMED_AT + 1_000;

describe.each(['memory', 'sqlite'])('the process of a run in the %s store', (kind) => {
  async function setup(folder: { file(name: string): string }): Promise<Store> {
    return kind === 'memory'
      ? createMemoryStore({ node: NODE })
      : openSqliteStore({ path: folder.file('ledger.db'), node: NODE });
  }

  test('is kept with the live run, and the last one stands', async () => {
    using folder = tempFolder();
    await using store = await setup(folder);
    const job = makeJob('a');
    await store.arm([job], ARMED_AT);
    const [grant] = (await store.commit(turnOf(TICK, { claims: [ticksOf(job, [TICK])] }))).grants;
    if (grant === undefined) throw new Error('nothing was granted');
    const { runId, fence } = grant;
    await store.commit(turnOf(TICK, { spawns: [{ job: 'a', runId, fence, process: { pid: 11, start: 22 } }] }));
    await store.commit(turnOf(TICK, { spawns: [{ job: 'a', runId, fence, process: { pid: 33, start: 44 } }] }));
    expect(await store.liveRuns()).toMatchObject([{ id: runId, process: { pid: 33, start: 44 } }]);
  });

  test('is not changed under a stale fence, nor after the end', async () => {
    using folder = tempFolder();
    await using store = await setup(folder);
    const job = makeJob('a');
    await store.arm([job], ARMED_AT);
    const [grant] = (await store.commit(turnOf(TICK, { claims: [ticksOf(job, [TICK])] }))).grants;
    if (grant === undefined) throw new Error('nothing was granted');
    const { runId, fence } = grant;
    await store.commit(turnOf(TICK, { spawns: [{ job: 'a', runId, fence: fence + 1, process: { pid: 11, start: 22 } }] }));
    expect((await store.liveRuns())[0]?.process).toBeUndefined();
    await store.commit(turnOf(TICK, { ends: [endOf(grant, TICK)] }));
    await store.commit(turnOf(TICK, { spawns: [{ job: 'a', runId, fence, process: { pid: 11, start: 22 } }] }));
    expect((await store.findRuns(runId))[0]?.process).toBeUndefined();
  });
});

/** What every store keeps of the lines of runs. */
import { describe, expect, it } from 'vitest';
import type { LogLine } from '../../src/core/log-line.ts';
import type { Grant, Store } from '../../src/core/store.ts';
import { runIdOf } from '../../src/core/tick.ts';
import { ARMED_AT, endOf, linesOf, makeJob, ticksOf, turnOf } from './fixture.ts';

const T1 = ARMED_AT + 1_000;
const T2 = ARMED_AT + 2_000;

/** @param open gives an empty store */
export function describeLog(name: string, open: () => Promise<Store>): void {
  const job = makeJob('a', { onOverlap: 'queue', history: { maxRunsPerJob: 3, maxAgeMs: 1e12 } });

  /** A store with one live run. */
  const setup = async (): Promise<AsyncDisposable & { store: Store; live: Grant; seqs(runId?: string): Promise<number[]> }> => {
    const store = await open();
    await store.arm([job], ARMED_AT);
    const { grants } = await store.commit(turnOf(T1, { claims: [ticksOf(job, [T1])] }));
    const live = grants[0] as Grant;
    return {
      store,
      live,
      seqs: async (runId = live.runId) => (await store.log({ runId, limit: 10_000 })).map(({ seq }) => seq),
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    };
  };

  describe(`${name}: lines`, () => {
    it('gives the lines of a run as they were written', async () => {
      await using it = await setup();
      const plain: LogLine = {
        seq: 1,
        at: T1,
        attempt: 1,
        level: 'info',
        source: 'stdout',
        text: 'tab\there, "quotes", é, 日本',
      };
      const rich: LogLine = { seq: 2, at: T2, attempt: 2, level: 'error', source: 'task', text: '', fields: '{"n":1}' };
      await it.store.appendLog([{ runId: it.live.runId, lines: [plain, rich] }]);
      expect(await it.store.log({ runId: it.live.runId, limit: 10 })).toEqual([plain, rich]);
    });

    it('gives them a page at a time', async () => {
      await using it = await setup();
      await it.store.appendLog([{ runId: it.live.runId, lines: linesOf(1, 5) }]);
      const page = async (after: number): Promise<number[]> =>
        (await it.store.log({ runId: it.live.runId, after, limit: 2 })).map(({ seq }) => seq);
      expect([await page(0), await page(2), await page(4), await page(5)]).toEqual([[1, 2], [3, 4], [5], []]);
    });

    it('adds to the lines that are there, those of several runs at once', async () => {
      await using it = await setup();
      await it.store.commit(turnOf(T2, { claims: [ticksOf(job, [T2])] }));
      const queued = runIdOf('a', T2);
      await it.store.appendLog([{ runId: it.live.runId, lines: linesOf(1, 2) }]);
      await it.store.appendLog([
        { runId: it.live.runId, lines: linesOf(3, 3) },
        { runId: queued, lines: linesOf(1, 1) },
      ]);
      expect([await it.seqs(), await it.seqs(queued)]).toEqual([[1, 2, 3], [1]]);
    });

    it('takes lines of a run that has ended, and keeps those of before its end', async () => {
      await using it = await setup();
      await it.store.appendLog([{ runId: it.live.runId, lines: linesOf(1, 1) }]);
      await it.store.commit(turnOf(T2, { ends: [endOf(it.live, T2)] }));
      await it.store.appendLog([{ runId: it.live.runId, lines: linesOf(2, 2) }]);
      expect(await it.seqs()).toEqual([1, 2]);
    });

    it('drops the lines between two numbers, both included, those of the same write too', async () => {
      await using it = await setup();
      await it.store.appendLog([{ runId: it.live.runId, lines: linesOf(1, 6) }]);
      await it.store.appendLog([{ runId: it.live.runId, lines: linesOf(7, 9), drop: { from: 3, to: 7 } }]);
      expect(await it.seqs()).toEqual([1, 2, 8, 9]);
      await it.store.appendLog([{ runId: it.live.runId, lines: [], drop: { from: 8, to: 8 } }]);
      expect(await it.seqs()).toEqual([1, 2, 9]);
    });

    it('passes over the lines of a run that it does not know, and keeps the others', async () => {
      await using it = await setup();
      await it.store.appendLog([
        { runId: 'unknown', lines: linesOf(1, 3), drop: { from: 1, to: 2 } },
        { runId: it.live.runId, lines: linesOf(1, 1) },
      ]);
      expect([await it.seqs('unknown'), await it.seqs()]).toEqual([[], [1]]);
    });

    it('keeps lines that are brought again once', async () => {
      await using it = await setup();
      await it.store.appendLog([{ runId: it.live.runId, lines: linesOf(1, 3) }]);
      await it.store.appendLog([{ runId: it.live.runId, lines: linesOf(2, 4) }]);
      expect(await it.seqs()).toEqual([1, 2, 3, 4]);
    });

    it('forgets them with their run, one that never ran included', async () => {
      await using it = await setup();
      await it.store.commit(turnOf(T2, { claims: [ticksOf(job, [T2])] }));
      const queued = runIdOf('a', T2);
      await it.store.appendLog([it.live.runId, queued].map((runId) => ({ runId, lines: linesOf(1, 9) })));
      const withdrawn = endOf({ job: 'a', runId: queued, fence: undefined }, T2, { outcome: 'cancelled' });
      await it.store.commit(turnOf(T2, { ends: [withdrawn, endOf(it.live, T2)] }));
      expect([await it.seqs(), await it.seqs(queued)].flat()).toHaveLength(18);
      const ids: string[] = [];
      for (let at = T2 + 1; at <= T2 + 200; at++) {
        const { grants } = await it.store.commit(turnOf(at, { claims: [ticksOf(job, [at])] }));
        for (const { runId } of grants) ids.push(runId);
        await it.store.appendLog(grants.map(({ runId }) => ({ runId, lines: linesOf(1, 2) })));
        await it.store.commit(turnOf(at, { ends: grants.map((grant) => endOf(grant, at)) }));
      }
      expect([await it.seqs(), await it.seqs(queued), await it.seqs(ids[0])]).toEqual([[], [], []]);
      expect(await it.seqs(ids.at(-1))).toEqual([1, 2]);
      await it.store.appendLog([{ runId: it.live.runId, lines: linesOf(10, 10) }]);
      expect(await it.seqs()).toEqual([]);
    });
  });
}

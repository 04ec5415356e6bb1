import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { CleanUp, type CleanUpInput } from '../../examples/day-one-clean-up/clean-up.ts';
import { cleanUp, CUTOFF, fillTable } from '../../examples/day-one-clean-up/main.ts';
import importOrders from '../../examples/day-one-import/import-orders.ts';
import { importAll, startOrdersApi } from '../../examples/day-one-import/main.ts';
import { nights } from '../../examples/day-one-nightly/main.ts';
import { runWithinBudget } from '../../src/index.ts';
import { runTick } from '../../src/testing/kit.ts';

/** A folder of its own. */
function setup(): Disposable & { readonly file: string } {
  const folder = mkdtempSync(join(tmpdir(), 'tickwise-test-'));
  return { file: join(folder, 'app.db'), [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

describe('a database clean-up in batches', () => {
  it('needs several runs, deletes every old row and no other, and lets others write meanwhile', async () => {
    const { runs, rowsAfter, oldAfter, writtenMeanwhile } = await cleanUp(8_000, 200, 10);
    expect(runs.length).toBeGreaterThan(1);
    expect(runs.slice(0, -1).map(({ outcome }) => outcome)).not.toContain('failed');
    expect(runs.at(-1)).toMatchObject({ outcome: 'succeeded', result: '{"deleted":6400}' });
    expect(oldAfter).toBe(0);
    expect(rowsAfter).toBe(1_600 + writtenMeanwhile);
    expect(writtenMeanwhile).toBeGreaterThan(0);
  });

  it('goes on after its process died between two batches, and counts each row once', async () => {
    using room = setup();
    fillTable(room.file, 1_000);
    const input: CleanUpInput = { database: room.file, before: CUTOFF, batch: 100, restMs: 1_000 };

    const first = await runTick(CleanUp, { input, killAtStep: 3 });
    const second = await runTick(CleanUp, { input, checkpoint: first.checkpoint });

    expect(first).toMatchObject({ outcome: 'killed', steps: 3, checkpoint: { lastId: 300, deleted: 240 } });
    expect(second).toMatchObject({ outcome: 'succeeded', result: { deleted: 800 } });
  });

  it('repeats a batch whose checkpoint was lost, and harms nothing', async () => {
    using room = setup();
    fillTable(room.file, 1_000);
    const input: CleanUpInput = { database: room.file, before: CUTOFF, batch: 100, restMs: 0 };

    await runTick(CleanUp, { input, killAtStep: 3 });
    const again = await runTick(CleanUp, { input });

    expect(again.outcome).toBe('succeeded');
    using db = new DatabaseSync(room.file);
    expect(db.prepare('select count(*) as n from events').get()).toEqual({ n: 200 });
  });
});

describe('a paged import', () => {
  it('survives its budget: every order is there, and no page was served twice but one that was cut in flight', async () => {
    const { runs, rows, pagesServed, servedTwice } = await importAll(12, 50, '500ms');
    expect(runs.length).toBeGreaterThan(1);
    expect(runs.slice(0, -1).map(({ outcome }) => outcome)).not.toContain('failed');
    expect(runs.at(-1)).toMatchObject({ outcome: 'succeeded', result: '{"imported":300}' });
    expect(rows).toBe(300);
    expect(pagesServed).toBe(12);
    expect(servedTwice).toBeLessThanOrEqual(runs.length - 1);
  });

  it('goes on with the next page after it was stopped, and asks for no page again', async () => {
    using room = setup();
    await using api = await startOrdersApi(3, 0);
    const input = { url: `${api.url}/orders`, database: room.file };
    const goingDown = new AbortController();
    const twoPages: typeof importOrders = {
      async handleTimeoutTask(context) {
        const result = await importOrders.handleTimeoutTask(context);
        if (context.step === 2) goingDown.abort();
        return result;
      },
    };

    const first = await runWithinBudget(twoPages, { budget: '1m', input, signal: goingDown.signal });
    const second = await runWithinBudget(importOrders, { budget: '1m', input, checkpoint: first.checkpoint });

    expect(first).toMatchObject({ outcome: 'cancelled', checkpoint: { cursor: '2', imported: 50 } });
    expect(second).toMatchObject({ outcome: 'succeeded', steps: 1, result: { imported: 75 } });
    expect([...api.served.values()]).toEqual([1, 1, 1]);
  });
});

describe('a nightly command with a ping', async () => {
  const { runs, pings, withDeadServer, unanswered } = await nights();

  it('tells start and success of a good night, and start and failure of a bad one, each with one rid', () => {
    expect(runs.map(({ outcome }) => outcome)).toEqual(['succeeded', 'failed']);
    expect(pings.map(({ path }) => path)).toEqual(['/ping/good/start', '/ping/good', '/ping/bad/start', '/ping/bad/1']);
    const [goodStart, good, badStart, bad] = pings.map(({ rid }) => rid);
    expect(goodStart).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect([good, bad]).toEqual([goodStart, badStart]);
    expect(badStart).not.toBe(goodStart);
  });

  it('does not wait for a ping server that hangs', () => {
    expect(withDeadServer.outcome).toBe('succeeded');
    expect(unanswered).toBeGreaterThan(0);
  });
});

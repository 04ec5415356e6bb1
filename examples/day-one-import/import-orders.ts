/**
 * The task: one step fetches one page and stores it; the checkpoint is the cursor of the next page. A page is stored in one transaction of the target
 * database, and rows are written by their own id, so a page that is fetched twice after a crash changes nothing.
 */
import { DatabaseSync } from 'node:sqlite';
import { type StepResult, type TaskContext, TickwiseError, type TimeoutTaskHandler } from '../../src/index.ts';

/** The job's `input`. */
export interface ImportInput {
  /** E.g. `https://api.example.org/orders`. */
  readonly url: string;
  readonly database: string;
}

/** Where the list goes on. */
export interface ImportCheckpoint {
  readonly cursor: string;
  readonly imported: number;
}

interface Page {
  readonly orders: readonly { readonly id: number; readonly total: number }[];
  readonly next: string | null;
}

const importOrders: TimeoutTaskHandler<ImportCheckpoint, ImportInput> = {
  async handleTimeoutTask(context: TaskContext<ImportCheckpoint, ImportInput>): Promise<StepResult<ImportCheckpoint>> {
    const { cursor, imported } = context.checkpoint ?? { cursor: '', imported: 0 };
    // `context.fetch` is bound to the run's signal: a page that is too slow is aborted in flight when the run is asked to stop.
    const response = await context.fetch(`${context.input.url}?cursor=${encodeURIComponent(cursor)}`);
    if (response.status === 429) {
      await response.body?.cancel();
      // Too fast: not an error, wait and ask again. The checkpoint stays where it is.
      return { done: false, progress: { completed: imported }, waitMs: Number(response.headers.get('retry-after') ?? 1) * 1_000 };
    }
    if (!response.ok) throw new TickwiseError('STEP_FAILED', `${context.input.url} answered ${response.status}`);
    const { orders, next } = (await response.json()) as Page;
    store(context.input.database, orders);
    const sum = imported + orders.length;
    context.log.info('page stored', { cursor, orders: orders.length });
    if (next === null) return { done: true, result: { imported: sum }, progress: { completed: sum, total: sum } };
    return { done: false, checkpoint: { cursor: next, imported: sum }, progress: { completed: sum } };
  },
};

export default importOrders;

function store(file: string, orders: Page['orders']): void {
  using db = new DatabaseSync(file, { timeout: 5_000 });
  db.exec('create table if not exists orders (id integer primary key, total real not null) strict');
  const upsert = db.prepare('insert into orders values (?, ?) on conflict (id) do update set total = excluded.total');
  db.exec('begin immediate');
  for (const { id, total } of orders) upsert.run(id, total);
  db.exec('commit');
}

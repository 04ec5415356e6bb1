/** Runs as the doors list them: of the ledger, but by the states that only the scheduler tells apart. */
import type { RunFilter, RunView } from '../core/control.ts';
import type { RunRecord } from '../core/ledger.ts';
import type { Store } from '../core/store.ts';
import type { LiveState } from './live-state.ts';
import { runViewOf } from './run-view.ts';

/**
 * Reads a page of runs, newest first.
 *
 * @param filter which; see core/control
 * @param store the ledger; it knows live runs as `queued` and `running` alone
 * @param state of the scheduler
 * @returns views without gaps: the last one's id begins the next page
 * @throws TickwiseError `STORE_UNUSABLE` (rejects)
 */
export async function listRuns(
  filter: RunFilter,
  store: Pick<Store, 'runs' | 'liveRuns'>,
  state: LiveState,
): Promise<readonly RunView[]> {
  const view = (record: RunRecord): RunView => runViewOf(record, state.run(record.id));
  switch (filter.state) {
    case 'running':
    case 'stopping':
    case 'blocked':
      return page(await liveOf(filter, store, view), filter);
    case 'queued': {
      const waiting = page(await liveOf(filter, store, view), filter);
      const queued = (await store.runs(filter)).map(view);
      return waiting.length === 0 ? queued : page([...waiting, ...queued], filter);
    }
    default:
      return (await store.runs(filter)).map(view);
  }
}

/** Runs that hold a slot, which are no more than there are jobs. */
async function liveOf(
  { job, state }: RunFilter,
  store: Pick<Store, 'liveRuns'>,
  view: (record: RunRecord) => RunView,
): Promise<RunView[]> {
  const live = await store.liveRuns();
  return live
    .filter((run) => job === undefined || run.job === job)
    .map(view)
    .filter((run) => run.state === state);
}

/** Ids sort by time. */
function page(runs: readonly RunView[], { from = -Infinity, to = Infinity, after, limit }: RunFilter): RunView[] {
  return runs
    .filter(({ id, tick }) => tick >= from && tick < to && (after === undefined || id < after))
    .toSorted((a, b) => (a.id < b.id ? 1 : -1))
    .slice(0, limit);
}

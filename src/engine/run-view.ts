/** A run as the doors show it: the ledger's record, and what of it is live. */
import type { RunView } from '../core/control.ts';
import type { RunRecord } from '../core/ledger.ts';
import { describeStop, type LiveState as RunLiveState } from '../core/run.ts';
import type { LiveRun } from './live-run.ts';

/**
 * Joins a record with the run that it tells of.
 *
 * @param record as the ledger keeps it; it knows a live run as `queued` or `running` alone
 * @param live the same run, if it holds a slot here
 * @returns a record that has ended as it is
 */
export function runViewOf(record: RunRecord, live: LiveRun | undefined): RunView {
  if (live === undefined || live.grant.runId !== record.id || record.endedAt !== undefined) return record;
  const { startedAt, deadline, checkpoint, progress, bounds } = live;
  const waitingFor = waitOf(live);
  return {
    ...record,
    state: stateOf(live),
    steps: live.steps,
    attempts: live.attempts,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(deadline === undefined ? {} : { deadline }),
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(progress === undefined ? {} : { progress }),
    ...(live.isStalled ? { stalled: true } : {}),
    ...bounds,
    ...(waitingFor === undefined ? {} : { waitingFor }),
  };
}

/**
 * Where a live run stands.
 *
 * @param live one that holds a slot
 * @returns `queued` while it waits for a place; `stopping` from the moment it was asked to, and while its end waits for the store
 */
export function stateOf(live: LiveRun): RunLiveState {
  if (live.state === 'blocked') return 'blocked';
  if (!live.begun && !live.isOver) return 'queued';
  return live.isOver || live.stopReason !== undefined ? 'stopping' : 'running';
}

/** What a live run waits for, beside its own steps. @param live one that holds a slot @returns `undefined`: nothing */
export function waitOf(live: LiveRun): string | undefined {
  if (live.isOver) return 'the store, to write its end';
  if (live.state === 'blocked') return live.blockedOn;
  if (!live.begun) return 'one of the places of this node';
  const { stopReason } = live;
  if (stopReason !== undefined) return `its end: it was asked to stop (${describeStop(stopReason)})`;
  return live.nextAttemptAt === undefined ? undefined : `the delay before attempt ${live.attempts + 1}`;
}

/** Leaves out what may be of 1 MiB each; lists have no room for it. @param run a record or a view */
export function withoutTexts<Run extends RunRecord>({ result: _r, input: _i, checkpoint: _c, ...rest }: Run): Run {
  return rest as unknown as Run;
}

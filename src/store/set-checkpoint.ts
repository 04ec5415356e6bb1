/** What a job's next run starts from, set by hand. */
import type { DatabaseSync } from 'node:sqlite';
import { TickwiseError } from '../core/errors.ts';
import type { JobName } from '../core/job.ts';

/** No run saved it. */
const BY_HAND = '';

/**
 * Sets or clears a checkpoint. Must be called inside a transaction.
 *
 * @param db of the current version
 * @param job by name
 * @param checkpoint JSON text, or `null` to clear it
 * @throws TickwiseError `JOB_NOT_FOUND`; `JOB_BUSY` while a run of the job is live
 */
export function setCheckpoint(db: DatabaseSync, job: JobName, checkpoint: string | null): void {
  const row = db
    .prepare(
      `select job, (select id from runs where job = slots.job and fence is not null and ended_at is null) as live
       from slots where name = ?`,
    )
    .get(job);
  if (row === undefined)
    throw new TickwiseError('JOB_NOT_FOUND', `no job is called ${job}; see "tickwise list" for those that are`);
  const { job: id, live } = row as { job: number; live: string | null };
  if (live !== null) throw busyError(job, live);
  if (checkpoint === null) {
    db.prepare('delete from checkpoints where job = ?').run(id);
    return;
  }
  db.prepare(
    `insert into checkpoints (job, run, checkpoint) values (?, ?, ?)
     on conflict (job) do update set run = excluded.run, checkpoint = excluded.checkpoint`,
  ).run(id, BY_HAND, checkpoint);
}

/** @returns the error of a job whose run is live, which would write over what was set */
export function busyError(job: JobName, runId: string): TickwiseError {
  return new TickwiseError('JOB_BUSY', `job ${job}: run ${runId} is live, and goes on from its own checkpoint`, {
    facts: { job, runId },
  });
}

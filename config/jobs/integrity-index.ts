/**
 * Keeps an integrity index of a folder tree: the SHA-256 of each file, and with each pass what is new, changed or gone.
 *
 * A pass is longer than a run's budget. Each step hashes a small batch and saves where the walk stands; the run ends `unfinished`,
 * and the next tick goes on from there, after a `kill -9` too. A pass that is through ends the run as done, with its report.
 *
 * A file counts as it was when the walk read it. What happens to it behind the walk belongs to the next pass.
 */
import { statSync } from 'node:fs';
import type { StepResult, TaskContext, TimeoutTaskHandler } from '../../src/core/task.ts';
import { type Batch, type Counts, NOTHING, take } from './integrity-index/batch.ts';
import { type Finding, type Findings, IndexFile, type Pass } from './integrity-index/index-file.ts';
import { PIECE_BYTES, type Reading } from './integrity-index/piece.ts';
import { type IntegrityInput, type Settings, settingsOf } from './integrity-index/settings.ts';
import { type Entry, readable, walk } from './integrity-index/walk.ts';

/** Where a pass stands: all that a later run needs. */
export interface IntegrityCheckpoint extends Pass {
  readonly root: string;
  /** The last path that was dealt with, a character for each byte; `''` before the first. */
  readonly cursor: string;
  /** The file after it, when its reading stands half-way. */
  readonly reading?: Reading;
  readonly counts: Counts;
}

/** The result of a pass. */
export interface IntegrityReport extends Omit<Counts, 'workMs'> {
  readonly pass: number;
  readonly root: string;
  readonly new: Finding;
  readonly changed: Finding;
  readonly gone: Finding;
  readonly startedAt: string;
  /** From the first step to the last, waits between runs included. */
  readonly durationMs: number;
  readonly workMs: number;
}

type Step = StepResult<IntegrityCheckpoint>;

/** Built once for each run. It holds the open walk between steps; all else is in the checkpoint and the index. */
export default class IntegrityIndex implements TimeoutTaskHandler<IntegrityCheckpoint, IntegrityInput | undefined> {
  #walk: OpenWalk | undefined;

  /** One batch, or the end of a pass. */
  handleTimeoutTask(context: TaskContext<IntegrityCheckpoint, IntegrityInput | undefined>): Step {
    const startedAt = performance.now();
    const settings = settingsOf(context.input);
    using index = new IndexFile(settings.index);
    const { checkpoint } = context;
    const standing = checkpoint?.root === settings.root ? index.standing(checkpoint) : 'unknown';
    if (checkpoint === undefined || standing === 'unknown') return this.#begin(index, settings);
    if (standing === 'reported') return doneWith(index.reportOf(checkpoint) as IntegrityReport);
    const step = index.together(() => this.#batch(index, settings, checkpoint, startedAt));
    if (step.done) context.log.info(`pass ${checkpoint.pass}: ${summaryOf(step.result as IntegrityReport)}`);
    return step;
  }

  #begin(index: IndexFile, settings: Settings): Step {
    demandFolder(settings.root);
    const pass = index.together(() => index.begin(settings.root, Date.now()));
    const checkpoint = { ...pass, root: settings.root, cursor: '', counts: NOTHING };
    return { done: false, checkpoint, progress: progressOf(checkpoint, 'begins') };
  }

  #batch(index: IndexFile, settings: Settings, checkpoint: IntegrityCheckpoint, startedAt: number): Step {
    const open = this.#openAt(settings, checkpoint);
    const { root: _root, reading: _reading, cursor: _cursor, counts, ...pass } = checkpoint;
    const batch: Batch = { index, settings, pass, counts: { ...counts }, reading: checkpoint.reading, bytes: 0 };
    const isFull = (entries: number): boolean =>
      entries >= settings.entriesPerStep ||
      batch.bytes + PIECE_BYTES > settings.bytesPerStep ||
      performance.now() - startedAt >= settings.stepMs;
    for (let entries = 0; entries === 0 || !isFull(entries); entries++) {
      open.entry ??= open.rest.next().value ?? undefined;
      if (open.entry === undefined) return this.#finish(batch, checkpoint, startedAt);
      if (!take(open.entry, batch)) continue;
      open.cursor = open.entry.path;
      open.entry = undefined;
    }
    this.#walk = open;
    const next: IntegrityCheckpoint = {
      ...pass,
      root: settings.root,
      cursor: open.cursor,
      ...(batch.reading === undefined ? {} : { reading: batch.reading }),
      counts: { ...batch.counts, workMs: batch.counts.workMs + performance.now() - startedAt },
    };
    const progress = progressOf(next, readable(batch.reading?.path ?? open.cursor));
    return { done: false, checkpoint: next, progress, ...(settings.restMs > 0 ? { waitMs: settings.restMs } : {}) };
  }

  #finish({ index, settings, pass, counts }: Batch, { walk: beganAt }: Pass, startedAt: number): Step {
    demandFolder(settings.root);
    const workMs = Math.round(counts.workMs + performance.now() - startedAt);
    const times = { startedAt: new Date(beganAt).toISOString(), durationMs: Math.max(0, Date.now() - beganAt), workMs };
    const report = (findings: Findings): IntegrityReport => ({
      pass: pass.pass,
      root: settings.root,
      ...counts,
      ...findings,
      ...times,
    });
    return doneWith(index.finish(pass, report));
  }

  /** The walk of the step before, if this step follows upon it; else one that is taken up again at the cursor. */
  #openAt(settings: Settings, { walk: id, cursor }: IntegrityCheckpoint): OpenWalk {
    if (this.#walk?.id === id && this.#walk.cursor === cursor) return this.#walk;
    demandFolder(settings.root);
    return { id, cursor, rest: walk(settings.rootBytes, cursor, settings.isExcluded), entry: undefined };
  }
}

/** Without it, a root that is mistyped, or not mounted, would look like a tree of which everything is gone. */
function demandFolder(root: string): void {
  const found = statSync(root, { throwIfNoEntry: false });
  if (found?.isDirectory() !== true)
    throw new Error(`input.root: ${root} is ${found === undefined ? 'not there' : 'not a folder'}`);
}

interface OpenWalk {
  readonly id: number;
  readonly rest: Generator<Entry, void, undefined>;
  cursor: string;
  /** What comes after the cursor, once it is known. */
  entry: Entry | undefined;
}

function progressOf({ pass, total, counts }: IntegrityCheckpoint, where: string): NonNullable<Step['progress']> {
  // The tree may have grown since the last pass counted it.
  const known = total === undefined ? {} : { total: Math.max(total, counts.files) };
  return { completed: counts.files, ...known, message: `pass ${pass}: ${where}` };
}

function doneWith(report: IntegrityReport): Step {
  return { done: true, progress: { completed: report.files, total: report.files, message: summaryOf(report) }, result: report };
}

function summaryOf(report: IntegrityReport): string {
  const mebibytes = Math.round(report.bytes / 1_048_576);
  return `${report.files} files, ${mebibytes} MiB: ${report.new.count} new, ${report.changed.count} changed, ${report.gone.count} gone`;
}

/**
 * Counts the lines of the project's own sources, a share a step, with a rest between steps: about five seconds in all.
 * It falls due each two seconds, so most of its ticks find it at work, and are skipped.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StepResult, TaskContext, TimeoutTaskHandler } from '../../src/core/task.ts';

/** What the job's `input` may say. */
export interface ReportInput {
  /** Relative to the folder that holds `config/`, which is the default. */
  readonly root?: string;
  /** Folders below the root; one that does not exist is passed over. */
  readonly folders?: readonly string[];
  /** In how many steps; 11 unless given. */
  readonly shares?: number;
  /** The rest after each step but the last; 500 ms unless given. */
  readonly restMs?: number;
}

/** The report so far; without `share` it is the result. */
export interface ReportCheckpoint {
  /** Shares that are done. */
  readonly share: number;
  readonly files: number;
  readonly lines: number;
  readonly linesByExtension: Readonly<Record<string, number>>;
  readonly longest: { readonly path: string; readonly lines: number };
}

const HOME = fileURLToPath(new URL('../../', import.meta.url));
const FRESH: ReportCheckpoint = { share: 0, files: 0, lines: 0, linesByExtension: {}, longest: { path: '', lines: 0 } };

const slowReport: TimeoutTaskHandler<ReportCheckpoint, ReportInput | undefined> = {
  handleTimeoutTask(context: TaskContext<ReportCheckpoint, ReportInput | undefined>): StepResult<ReportCheckpoint> {
    const { root = '.', folders = ['src', 'test', 'config', 'docs', 'bench'], shares = 11, restMs = 500 } = context.input ?? {};
    const base = resolve(HOME, root);
    const begun = context.checkpoint ?? FRESH;
    const mine = filesBelow(base, folders).filter((path) => shareOf(path, shares) === begun.share);
    const report = mine.reduce((soFar, path) => counted(soFar, base, path), begun);
    const checkpoint = { ...report, share: begun.share + 1 };
    const progress = { completed: checkpoint.share, total: shares, message: `${report.lines} lines in ${report.files} files` };
    if (checkpoint.share < shares) return { done: false, checkpoint, progress, waitMs: restMs };
    const { share: _share, ...result } = report;
    return { done: true, progress, result };
  },
};

export default slowReport;

function filesBelow(base: string, folders: readonly string[]): string[] {
  return folders.flatMap((folder) => {
    try {
      return readdirSync(join(base, folder), { withFileTypes: true, recursive: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(base.length + 1));
    } catch {
      return [];
    }
  });
}

/** By its path alone, so that files that come and go between two steps move no other file to another step. */
function shareOf(path: string, shares: number): number {
  let sum = 0;
  for (const character of path) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 1_000_003;
  return sum % shares;
}

function counted(report: ReportCheckpoint, base: string, path: string): ReportCheckpoint {
  let lines: number;
  try {
    lines = readFileSync(join(base, path)).reduce((count, byte) => (byte === 10 ? count + 1 : count), 0);
  } catch {
    return report;
  }
  const extension = extname(path) || 'none';
  return {
    share: report.share,
    files: report.files + 1,
    lines: report.lines + lines,
    linesByExtension: { ...report.linesByExtension, [extension]: (report.linesByExtension[extension] ?? 0) + lines },
    longest: lines > report.longest.lines ? { path, lines } : report.longest,
  };
}

/**
 * Compares the packages that `package-lock.json` names with those that are installed. Before that it asks an upstream which is down
 * four times in ten, so that attempts, delays and now and then a failed run are seen. Whether it is down follows from the tick and
 * the attempt alone: the same tick fails in the same way on every machine.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StepResult, TaskContext, TimeoutTaskHandler } from '../../src/core/task.ts';

/** What the job's `input` may say. */
export interface UpstreamInput {
  /** The folder with `package-lock.json` and `node_modules`, relative to the folder that holds `config/`, which is the default. */
  readonly root?: string;
  /** How many attempts of a hundred find the upstream down; 40 unless given. */
  readonly failPercent?: number;
}

/** The result. */
export interface LockReport {
  readonly packages: number;
  readonly matching: number;
  /** Not installed, and need not be: made for another platform. */
  readonly optional: number;
  /** Not installed, or of another version: at most 20 of them. */
  readonly differing: readonly { readonly path: string; readonly locked: string; readonly installed: string | null }[];
  readonly differingCount: number;
}

interface LockedPackage {
  readonly version?: string;
  readonly optional?: boolean;
  readonly link?: boolean;
}

const HOME = fileURLToPath(new URL('../../', import.meta.url));
const SHOWN = 20;

const flakyUpstream: TimeoutTaskHandler<never, UpstreamInput | undefined> = {
  handleTimeoutTask(context: TaskContext<never, UpstreamInput | undefined>): StepResult<never> {
    const { root = '.', failPercent = 40 } = context.input ?? {};
    if (isDown(context.tick, context.attempt, failPercent)) {
      throw new Error(`the upstream answers 503 Service Unavailable (attempt ${context.attempt})`);
    }
    const result = compare(resolve(HOME, root));
    return { done: true, progress: { completed: result.packages, total: result.packages }, result };
  },
};

export default flakyUpstream;

/**
 * Whether the upstream is down.
 *
 * @param tick epoch milliseconds
 * @param attempt counted from 1
 * @param failPercent 0 to 100
 * @returns the same answer for the same arguments, always
 */
export function isDown(tick: number, attempt: number, failPercent: number): boolean {
  return createHash('sha256').update(`${tick}:${attempt}`).digest().readUInt32BE(0) % 100 < failPercent;
}

function compare(root: string): LockReport {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages?: Record<string, LockedPackage> };
  const locked = Object.entries(lock.packages ?? {}).filter(([path, { link }]) => path !== '' && link !== true);
  const compared = locked.map(([path, { version = '', optional = false }]) => {
    const installed = installedVersion(join(root, path));
    return { path, locked: version, installed, optional };
  });
  const differing = compared.filter(
    ({ locked: wanted, installed, optional }) => installed !== wanted && !(optional && installed === null),
  );
  const matching = compared.filter(({ locked: wanted, installed }) => installed === wanted).length;
  return {
    packages: compared.length,
    matching,
    optional: compared.length - matching - differing.length,
    differing: differing.slice(0, SHOWN).map(({ path, locked: wanted, installed }) => ({ path, locked: wanted, installed })),
    differingCount: differing.length,
  };
}

function installedVersion(folder: string): string | null {
  try {
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version?: string };
    return version ?? null;
  } catch {
    return null;
  }
}

/** Drives a handler step by step over a real folder, as the step loop does: with checkpoints that went through JSON. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { StepResult, TaskContext } from '../../src/core/task.ts';
import { createContext } from '../../src/structured/kit.ts';
import IntegrityIndex, { type IntegrityCheckpoint, type IntegrityReport } from '../../config/jobs/integrity-index.ts';
import type { IntegrityInput } from '../../config/jobs/integrity-index/settings.ts';

/** Far above what any tree of these tests needs, so that a handler that never ends fails instead of hanging. */
const MOST_STEPS = 5_000;

/** A context by hand. */
export function contextOf<Checkpoint, Input>(
  input: Input,
  checkpoint?: Checkpoint,
  { tick = 1_000, attempt = 1 }: { tick?: number; attempt?: number } = {},
): TaskContext<Checkpoint, Input> {
  const context = createContext();
  const silent = (): void => undefined;
  return {
    job: 'tested',
    runId: 'run',
    tick,
    attempt,
    step: 1,
    input,
    checkpoint,
    fence: 1,
    signal: context.signal,
    deadline: Date.now() + 60_000,
    remainingMs: () => 60_000,
    value: () => undefined,
    sleep: () => Promise.resolve(),
    fetch: context.fetch,
    withCancel: context.withCancel,
    withDeadline: context.withDeadline,
    withTimeout: context.withTimeout,
    withValue: context.withValue,
    detached: context.detached,
    lock: context.lock,
    group: context.group,
    gather: context.gather,
    log: { debug: silent, info: silent, warn: silent, error: silent },
  };
}

/** A temporary tree, an index beside it, and the means to walk it. */
export interface Bundle extends Disposable {
  readonly root: string;
  readonly input: IntegrityInput;
  write(path: string, content: string | Buffer): void;
  remove(path: string): void;
  /** One step of a handler that may have made the steps before. */
  step(handler: IntegrityIndex, checkpoint?: IntegrityCheckpoint, input?: IntegrityInput): StepResult<IntegrityCheckpoint>;
  /** A whole pass; `between` is called with each checkpoint and may replace the handler, as a restart does. */
  pass(options?: { input?: IntegrityInput; from?: IntegrityCheckpoint; between?: Between }): Passed;
}

export type Between = (checkpoint: IntegrityCheckpoint, step: number) => 'restart' | undefined;

export interface Passed {
  readonly report: IntegrityReport;
  readonly checkpoints: readonly IntegrityCheckpoint[];
}

/** A tree of the given files. */
export function setup(files: Readonly<Record<string, string | Buffer>> = {}, settings: IntegrityInput = {}): Bundle {
  const folder = mkdtempSync(join(tmpdir(), 'integrity-'));
  const root = join(folder, 'tree');
  mkdirSync(root);
  const input = { root, index: join(folder, 'index.db'), exclude: [], ...settings };
  const write = (path: string, content: string | Buffer): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  for (const [path, content] of Object.entries(files)) write(path, content);
  const step: Bundle['step'] = (handler, checkpoint, own = input) =>
    throughJson(handler.handleTimeoutTask(contextOf(own, checkpoint)));
  return {
    root,
    input,
    write,
    remove: (path) => rmSync(join(root, path), { recursive: true }),
    step,
    pass({ input: own = input, from, between } = {}) {
      const checkpoints: IntegrityCheckpoint[] = [];
      let handler = new IntegrityIndex();
      let checkpoint = from;
      for (let count = 1; count <= MOST_STEPS; count++) {
        const result = step(handler, checkpoint, own);
        if (result.done) return { report: result.result as IntegrityReport, checkpoints };
        if (result.checkpoint === undefined) throw new Error('a step that is not done gave no checkpoint');
        checkpoint = result.checkpoint;
        checkpoints.push(checkpoint);
        if (between?.(checkpoint, count) === 'restart') handler = new IntegrityIndex();
      }
      throw new Error(`the pass did not end in ${MOST_STEPS} steps`);
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A report without what differs from pass to pass by nature. */
export function timeless(report: IntegrityReport): Partial<IntegrityReport> {
  const { startedAt: _startedAt, durationMs: _durationMs, workMs: _workMs, ...rest } = report;
  return rest;
}

function throughJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

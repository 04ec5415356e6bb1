/** Steps that never come back: they block their thread for ever, deaf to every signal, and cost no CPU while they do. */
import { spawnSync } from 'node:child_process';
import type { TaskContext } from '../../src/index.ts';

/** Blocks the thread that it runs in. */
export function blockThread(_context: TaskContext): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

/** Comes back at once, and leaves a warm thread behind. */
export function comeBack(_context: TaskContext): void {}

/** Blocks the thread that it runs in by waiting for a program, which outlives it unless it is ended too. */
export function blockWithChild(_context: TaskContext): void {
  spawnSync('sleep', ['3600']);
}

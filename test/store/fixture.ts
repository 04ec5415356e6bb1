/** Jobs, nodes and turns for the tests of the stores. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GateContext } from '../../src/core/gate.ts';
import { type Job, JOB_DEFAULTS } from '../../src/core/job.ts';
import type { NodeIdentity } from '../../src/core/ledger.ts';
import type { LogLine } from '../../src/core/log-line.ts';
import type { EndWrite, Grant, TickClaim, TriggerClaim, Turn } from '../../src/core/store.ts';
import { digitsOf, runIdOfTrigger } from '../../src/core/tick.ts';

export const NODE: NodeIdentity = {
  id: 'node-1',
  host: 'here',
  bootId: 'boot-1',
  pid: process.pid,
  pidStart: 7,
  startedAt: 1_000,
};

/** The instant at which tests arm their jobs. */
export const ARMED_AT = 1_000_000;

export function makeJob(name: string, overrides: Partial<Job> = {}): Job {
  return { ...JOB_DEFAULTS, name, task: { kind: 'function', target: undefined }, ...overrides };
}

export function makeContext(now: number, overrides: Partial<GateContext> = {}): GateContext {
  return { now, liveSince: 0, draining: false, matched: true, waitingForPlace: false, exclusiveHeld: false, ...overrides };
}

export function ticksOf(job: Job, dueTicks: readonly number[], overrides: Partial<GateContext> = {}): TickClaim {
  return { kind: 'ticks', job, dueTicks, context: makeContext(dueTicks.at(-1) ?? 0, overrides) };
}

export function triggerOf(job: Job, at: number, overrides: Partial<TriggerClaim> = {}): TriggerClaim {
  const runId = runIdOfTrigger(at, digitsOf(0.25), 18);
  return { kind: 'trigger', job, runId, at, by: 'tester', context: makeContext(at), ...overrides };
}

export function endOf(
  grant: Pick<Grant, 'job' | 'runId'> & { readonly fence: number | undefined },
  endedAt: number,
  overrides: Partial<EndWrite> = {},
): EndWrite {
  const { job, runId, fence } = grant;
  return { job, runId, fence, outcome: 'succeeded', endedAt, steps: 1, attempts: 1, ...overrides };
}

export function turnOf(at: number, parts: Partial<Turn>): Turn {
  return { at, ends: [], checkpoints: [], spawns: [], promotions: [], claims: [], ...parts };
}

/** Lines of these numbers, both included. */
export function linesOf(from: number, to: number): LogLine[] {
  return Array.from({ length: to - from + 1 }, (_, index) => ({
    seq: from + index,
    at: ARMED_AT,
    attempt: 1,
    level: 'info',
    source: 'stdout',
    text: `line ${from + index}`,
  }));
}

/** A folder that goes when the test ends. */
export function tempFolder(): Disposable & { readonly path: string; file(name: string): string } {
  const path = mkdtempSync(join(tmpdir(), 'tickwise-store-'));
  return {
    path,
    file: (name) => join(path, name),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

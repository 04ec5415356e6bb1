/** Opening the ledger to read it, while no daemon runs or beside one. */
import { existsSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { TickwiseError } from '../core/errors.ts';
import type { LedgerReader, RunRecord } from '../core/ledger.ts';
import type { LogLine } from '../core/log-line.ts';
import type { LineAnswer, RunAnswer } from './answer.ts';

/**
 * Opens the ledger of a configuration.
 *
 * @param config a loaded configuration
 * @returns the reader; dispose of it
 * @throws TickwiseError `STORE_UNUSABLE` when there is no ledger yet or it cannot be read; `STORE_UNSUPPORTED` when the store
 *   is not one that can be read from outside the daemon
 */
export async function openLedger({ store }: Config): Promise<LedgerReader> {
  switch (store.kind) {
    case 'sqlite':
      return (await import('../store/sqlite.ts')).openLedgerReader(store.path);
    case 'memory':
      throw new TickwiseError(
        'STORE_UNSUPPORTED',
        'store: the ledger of "memory:" lives and dies inside the daemon; use "sqlite:PATH" to read it from here',
      );
    case 'postgres':
      throw new TickwiseError(
        'STORE_UNSUPPORTED',
        'store: this version keeps its ledger in SQLite or in memory; use "sqlite:PATH" or "memory:"',
      );
    default:
      return store satisfies never;
  }
}

/** Whether a daemon has made the ledger already, and it can be read from here. @param config a loaded configuration */
export function hasLedger({ store }: Config): boolean {
  return store.kind === 'sqlite' && existsSync(store.path);
}

/**
 * A run as programs are given it: instants in ISO 8601, JSON texts as the values that they hold.
 *
 * @param run as the ledger keeps it
 * @returns plain data, absent fields left out
 */
export function runForPrograms(run: RunRecord): RunAnswer {
  const fields = Object.entries(run).map(([name, value]): [string, unknown] => {
    if (INSTANTS.has(name)) return [name, new Date(value as number).toISOString()];
    return [name, JSON_TEXTS.has(name) ? JSON.parse(value as string) : value];
  });
  return Object.fromEntries(fields) as unknown as RunAnswer;
}

/** A line of a run's log as programs are given it. @param line as the ledger keeps it */
export function lineForPrograms({ fields, ...line }: LogLine): LineAnswer {
  const at = new Date(line.at).toISOString();
  return { ...line, at, ...(fields === undefined ? {} : { fields: JSON.parse(fields) as unknown }) };
}

const INSTANTS: ReadonlySet<string> = new Set(['tick', 'queuedAt', 'grantedAt', 'startedAt', 'endedAt']);
const JSON_TEXTS: ReadonlySet<string> = new Set(['result', 'input', 'checkpoint']);

/** Names the ledger of a configuration, so that whoever asks a daemon can make sure that it is the one that is meant. */
import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Config } from './config.ts';

/**
 * Two projects of one machine may find each other at the default address. What differs is where they keep their ledgers.
 *
 * @param config a loaded configuration
 * @returns 32 hexadecimal digits, the same for the same ledger, which tell nothing of where it is; `undefined`: it cannot be named
 */
export function ledgerIdOf({ store, file }: Pick<Config, 'store' | 'file'>): string | undefined {
  const place = store.kind === 'sqlite' ? store.path : store.kind === 'memory' ? file : store.url;
  if (place === undefined) return undefined;
  const name = store.kind === 'postgres' ? place : resolved(place);
  return createHash('sha256').update(`${store.kind} ${name}`).digest('hex').slice(0, 32);
}

/** The same for each way to a file; its folder may not be there yet. */
function resolved(path: string): string {
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return path;
  }
}

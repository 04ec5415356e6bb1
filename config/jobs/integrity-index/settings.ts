/** What the job may be told, and what it makes of it. */
import { posix, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { byteString } from './walk.ts';

/** What the job's `input` may say. Paths are relative to the folder that holds `config/`. */
export interface IntegrityInput {
  /** The tree; the checkout unless given. Another root starts afresh. */
  readonly root?: string;
  /** Paths below the root that are passed over; `.git` and `var` unless given. */
  readonly exclude?: readonly string[];
  /** The index; `var/integrity-index.db` unless given. It is never part of itself. */
  readonly index?: string;
  /** At most this many entries a step; 256 unless given. */
  readonly entriesPerStep?: number;
  /** At most this many bytes a step, but at least one piece of 4 MiB; 16 MiB unless given. */
  readonly bytesPerStep?: number;
  /** After this long a step begins nothing more; 25 ms unless given. */
  readonly stepMs?: number;
  /** A rest after each step, so that a large tree does not take a whole core; none unless given. */
  readonly restMs?: number;
}

/** The input with every default filled in. */
export interface Settings extends Required<Omit<IntegrityInput, 'exclude'>> {
  readonly rootBytes: string;
  readonly isExcluded: (path: string) => boolean;
}

const HOME = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * Fills in the defaults and makes paths absolute.
 *
 * @param input as configured
 * @returns the settings
 */
export function settingsOf(input: IntegrityInput | undefined): Settings {
  const root = resolve(HOME, input?.root ?? '.');
  const index = resolve(HOME, input?.index ?? 'var/integrity-index.db');
  const excluded = new Set(
    (input?.exclude ?? ['.git', 'var']).map((path) => byteString(posix.normalize(path).replace(/\/+$/, ''))),
  );
  const rootBytes = byteString(root);
  const own = new Set([index, `${index}-journal`].map(byteString));
  return {
    root,
    rootBytes,
    index,
    isExcluded: (path) => excluded.has(path) || own.has(`${rootBytes}/${path}`),
    entriesPerStep: input?.entriesPerStep ?? 256,
    bytesPerStep: input?.bytesPerStep ?? 16_777_216,
    stepMs: input?.stepMs ?? 25,
    restMs: input?.restMs ?? 0,
  };
}

/** Which process this is, told so that a successor can prove that it is dead. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { NodeIdentity } from '../core/ledger.ts';
import type { Instant } from '../core/time.ts';

/**
 * Reads the identity of this process. Its id is new at each call.
 *
 * @param startedAt the wall clock
 * @returns boot id and start time are empty and 0 on systems without `/proc`
 */
export function readIdentity(startedAt: Instant): NodeIdentity {
  return {
    id: randomBytes(8).toString('hex'),
    host: hostname(),
    bootId: readText('/proc/sys/kernel/random/boot_id').trim(),
    pid: process.pid,
    pidStart: startOf('self') ?? 0,
    startedAt,
  };
}

/**
 * Whether the process of an identity is alive on this machine. A reused pid does not fool it.
 *
 * @param node an identity of this process or of an earlier one
 * @returns `false` for a process of an earlier boot; `true` when in doubt
 */
export function isNodeAlive(node: NodeIdentity): boolean {
  const bootId = readText('/proc/sys/kernel/random/boot_id').trim();
  if (bootId !== '' && node.bootId !== '' && bootId !== node.bootId) return false;
  if (bootId !== '') return startOf(String(node.pid)) === node.pidStart;
  try {
    process.kill(node.pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: unknown }).code !== 'ESRCH';
  }
}

/** Clock ticks since boot at which a process was started; a zombie, which can do nothing any more, counts as gone. */
function startOf(pid: string): number | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields.length < 20 || fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return Number(fields[19]);
}

/** What is not there reads as empty; what cannot be read says nothing, and least of all that a process is gone. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM') return '';
    throw error;
  }
}

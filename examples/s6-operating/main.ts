/**
 * S6. Operating it: three layers of monitoring (host, application, business), alert rules, a drill that anyone can run, and scopes.
 * At the end the ledger is read from the outside and proves that the promise was kept while all this went on.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Row, tryAll } from './callers.ts';
import { drill, type Drilled } from './drill.ts';

const COMMAND_LINE = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** What came out. */
export interface Operated {
  readonly drilled: readonly Drilled[];
  /** The line with which `tickwise verify` ended, with exit 0. */
  readonly verified: string;
  /** Who may do what. */
  readonly callers: readonly Row[];
}

/** Drills, has the ledger verified by the command line, as an operator would, and has callers of every scope try the API. */
export async function operate(): Promise<Operated> {
  const folder = mkdtempSync(join(tmpdir(), 'tickwise-example-'));
  try {
    const store = `sqlite:${join(folder, 'tickwise.db')}`;
    const drilled = await drill(store);
    const config = join(folder, 'scheduler.config.json');
    writeFileSync(config, JSON.stringify({ store, jobs: {} }));
    const verified = execFileSync(process.execPath, [COMMAND_LINE, 'verify', '--config', config], { encoding: 'utf8' }).trim();
    return { drilled, verified: verified.slice(verified.indexOf(': ') + 2), callers: await tryAll() };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const { drilled, verified, callers } = await operate();
  for (const { layer, fault, alert, about, firedAfterMs, clearedAfterMs, metric } of drilled) {
    const watchedBy = metric.watchedBy.join(', ') || 'no rule: to Tickwise it is a success, only its result tells';
    console.log(
      `${layer.padEnd(12)} ${fault}: "${alert}" (${about}) fired after ${firedAfterMs} ms, cleared ${clearedAfterMs} ms after its end`,
    );
    console.log(`${''.padEnd(12)} ${metric.series} ${metric.before} → ${metric.after}; watched by ${watchedBy}`);
  }
  console.log(`verify: ${verified}`);
  console.table(callers.map(({ caller, scope, statuses }) => ({ caller, scope, ...statuses })));
}

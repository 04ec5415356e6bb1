import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ProcessTable } from '../../src/runner/process-table.ts';

/** A process that lives until the test is over. */
function sleeper(): number {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child.pid ?? 0;
}

describe.runIf(existsSync('/proc/self/stat'))('a reading of the process table', () => {
  it('shows whoever lives, once each', async () => {
    const pid = sleeper();
    const { alive } = await new ProcessTable().read();
    const pids = alive.map((process) => process.pid);
    expect(pids).toEqual(expect.arrayContaining([pid, process.pid]));
    expect(new Set(pids).size).toBe(pids.length);
  });

  it('shows whoever has a higher number than the one given away last: the kernel begins anew at its pid_max', async () => {
    const pid = sleeper();
    const { alive } = await new ProcessTable(() => 1).read();
    expect(alive.map((process) => process.pid)).toEqual(expect.arrayContaining([pid, process.pid]));
  });

  it('is not exact when the kernel begins anew with its numbers meanwhile', async () => {
    const newest = [30_000, 7];
    const { isExact } = await new ProcessTable(() => newest.shift() ?? 7).read();
    expect(isExact).toBe(false);
  });
});

/**
 * A second thread of a host process, which runs no user code. The daemon enforces a run's bounds from outside; this thread
 * does it when the daemon is frozen or gone and the main thread is blocked. It ends the child's whole process group, which
 * the child leads. It sleeps in `Atomics.wait`, so that it costs a wake-up each quarter of a second and nothing else.
 */
import { workerData } from 'node:worker_threads';
import { hrNow } from './host-clock.ts';

/** How often it looks. */
const LOOK_EACH_MS = 250;
/** How long the main thread has, after the daemon has gone, to see it by itself when no run is under way. */
const ORPHAN_MS = 2_000;

const { deadlineHr, sleep } = workerData as {
  /** When the run must be over, on the kernel's clock; 0 while there is none. */
  readonly deadlineHr: Float64Array;
  readonly sleep: Int32Array;
};
const daemonPid = process.ppid;
let orphanSince: number | undefined;

for (;;) {
  Atomics.wait(sleep, 0, 0, LOOK_EACH_MS);
  const now = hrNow();
  const [runEnd = 0] = deadlineHr;
  if (runEnd > 0 && now >= runEnd) end();
  if (process.ppid === daemonPid) continue;
  orphanSince ??= now;
  if (runEnd === 0 && now - orphanSince >= ORPHAN_MS) end();
}

function end(): void {
  try {
    process.kill(-process.pid, 'SIGKILL');
  } catch {
    process.kill(process.pid, 'SIGKILL');
  }
}

/** Carries out what was planned, and counts it. */
import { setTimeout as delay } from 'node:timers/promises';
import { type FakeClock, monotonicMs } from './clock.ts';
import type { Daemon } from './daemon.ts';
import type { Disk } from './disk.ts';
import type { Disturbance, DisturbanceKind } from './plan.ts';
import { processesMarked, signal } from './processes.ts';

/** After the disk has room again, a daemon that could not start for want of it is forgiven for so long. */
const FORGIVEN_MS = 3_000;

/** What is disturbed. */
export interface Victims {
  readonly daemon: Daemon;
  readonly disk: Disk;
  readonly clock: FakeClock | undefined;
  /** What all processes of the daemon carry. */
  readonly mark: string;
}

/** The state of the disturbances, which the supervisor of the daemon asks for. */
export class Chaos {
  readonly counts: Map<DisturbanceKind, number> = new Map<DisturbanceKind, number>();
  /** When each disturbance began and ended, monotonic milliseconds. */
  readonly spans: { readonly kind: DisturbanceKind; readonly from: number; readonly to: number }[] = [];
  /** The farthest that the daemon's clock ever was ahead. */
  farthestAheadMs = 0;
  #fullUntil = 0;

  /** Whether a daemon may refuse to start, or end, for want of room. */
  isDiskFull(): boolean {
    return monotonicMs() < this.#fullUntil;
  }

  /** @returns when `until` (monotonic milliseconds) is reached and the disturbance under way is over */
  async run(plan: readonly Disturbance[], victims: Victims, until: number, cut: AbortSignal): Promise<void> {
    for (const next of plan) {
      const waitMs = Math.min(next.afterMs, until - monotonicMs());
      if (waitMs > 0) await delay(waitMs, undefined, { signal: cut }).catch(() => {});
      if (cut.aborted || monotonicMs() >= until) return;
      this.counts.set(next.kind, (this.counts.get(next.kind) ?? 0) + 1);
      const from = monotonicMs();
      await this.#disturb(next, victims);
      this.spans.push({ kind: next.kind, from, to: monotonicMs() });
    }
  }

  async #disturb(next: Disturbance, { daemon, disk, clock, mark }: Victims): Promise<void> {
    switch (next.kind) {
      case 'kill':
        return daemon.kill();
      case 'restart':
        return daemon.restart();
      case 'freeze':
        daemon.freeze();
        await delay(next.forMs);
        return daemon.thaw();
      case 'frozenKill':
        daemon.freeze();
        await delay(next.forMs);
        return daemon.kill();
      case 'freezeChild':
        return freezeChild(mark, daemon.pid, next.forMs, next.pick);
      case 'clockStep':
        // Which ticks are the first to be due must be certain.
        if (daemon.lives.every((life) => life.upAt === undefined)) return;
        this.farthestAheadMs = Math.max(this.farthestAheadMs, next.aheadMs);
        return clock?.set(next.aheadMs);
      case 'fullDisk':
        this.#fullUntil = monotonicMs() + next.forMs + FORGIVEN_MS;
        await disk.fill(next.forMs);
        this.#fullUntil = monotonicMs() + FORGIVEN_MS;
        return;
      case 'stalledDisk':
        return disk.stall(next.forMs);
      default:
        next satisfies never;
    }
  }
}

async function freezeChild(mark: string, daemonPid: number, forMs: number, pick: number): Promise<void> {
  const children = processesMarked(mark).filter(({ pid }) => pid !== daemonPid);
  const child = children[Math.floor(pick * children.length)];
  if (child === undefined || !signal(child, 'SIGSTOP')) return;
  await delay(forMs);
  signal(child, 'SIGCONT');
}

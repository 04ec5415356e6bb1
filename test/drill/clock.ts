/** A wall clock for the daemon that can be set, by libfaketime; its monotonic clock stays the kernel's. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Sets how far the daemon's wall clock is ahead. */
export class FakeClock {
  readonly env: Readonly<Record<string, string>>;
  readonly #file: string;
  #aheadMs = 0;

  private constructor(dir: string, library: string) {
    this.#file = join(dir, 'clock');
    this.env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_DISABLE_SHM: '1',
      NO_FAKE_STAT: '1',
    };
    this.set(0);
  }

  /** @returns undefined where libfaketime is missing, or this Node does not work under it */
  static find(dir: string): FakeClock | undefined {
    const library = ['/usr/lib', ...(existsSync('/usr/lib') ? readdirSync('/usr/lib').map((name) => `/usr/lib/${name}`) : [])]
      .map((place) => `${place}/faketime/libfaketimeMT.so.1`)
      .find((path) => existsSync(path));
    if (library === undefined) return undefined;
    const clock = new FakeClock(dir, library);
    clock.set(86_400_000);
    const said = spawnSync(process.execPath, ['-p', '`${Date.now()} ${process.hrtime.bigint()}`'], {
      env: { ...process.env, ...clock.env },
      encoding: 'utf8',
    }).stdout.split(' ');
    clock.set(0);
    const isWallFaked = Math.abs(Number(said[0]) - Date.now() - 86_400_000) < 60_000;
    const isMonotonicReal = Math.abs(Number(said[1]) - Number(process.hrtime.bigint())) < 60e9;
    return isWallFaked && isMonotonicReal ? clock : undefined;
  }

  get aheadMs(): number {
    return this.#aheadMs;
  }

  set(aheadMs: number): void {
    this.#aheadMs = aheadMs;
    // Renamed into place, so that no reader finds half of it.
    writeFileSync(`${this.#file}.new`, `+${(aheadMs / 1_000).toFixed(3)}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }
}

/** The clock of all evidence: milliseconds of CLOCK_MONOTONIC. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

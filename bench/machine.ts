/** What the figures were measured on. */
import { readFileSync, statfsSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir, totalmem, type } from 'node:os';
import { peerVersions } from './peers.ts';

/** Kept with the figures, and printed above them. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  /** Where the databases of the bench are written. */
  readonly fileSystem: string;
  /** Runnable processes over the last minute, before the bench: above a tenth of the cores, others disturb the figures. */
  readonly load: number;
  readonly versions: Readonly<Record<string, string>>;
}

const OURS = ['croner', 'p-queue', 'winston', 'zod'];
/** The magic numbers of `statfs(2)`. */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x01021994: 'tmpfs (no durability: figures of SQLite mean little)',
  0x794c7630: 'overlayfs',
};

/** @returns the machine as it is now */
export function describeMachine(): Machine {
  const all = cpus();
  const { type: magic } = statfsSync(tmpdir());
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGiB: Math.round((totalmem() / 2 ** 30) * 10) / 10,
    kernel: release(),
    fileSystem: FILE_SYSTEMS[magic] ?? `type 0x${magic.toString(16)}`,
    load: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    versions: {
      tickwise: versionOf(new URL('../package.json', import.meta.url)),
      node: process.versions.node,
      v8: process.versions.v8,
      sqlite: process.versions['sqlite'] ?? 'unknown',
      ...Object.fromEntries(
        OURS.map((name) => [name, versionOf(new URL(`../node_modules/${name}/package.json`, import.meta.url))]),
      ),
      ...peerVersions(),
    },
  };
}

/** @returns lines for a person */
export function machineLines(machine: Machine): readonly string[] {
  const { cpu, cores, memoryGiB, kernel, fileSystem, load, versions } = machine;
  return [
    `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${type()} ${kernel}, ${fileSystem}; load ${load} before the start`,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
  ];
}

function versionOf(url: URL): string {
  return (JSON.parse(readFileSync(url, 'utf8')) as { version: string }).version;
}

/** What we are compared with and do not ship: installed into this folder when a measure needs it. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const fromHere = createRequire(import.meta.url);

/** The part of bree that is measured. */
export interface BreeModule {
  readonly default: new (options: object) => {
    start(): Promise<void>;
    run(name: string): Promise<void>;
    stop(): Promise<void>;
    on(event: 'worker deleted', listener: (name: string) => void): unknown;
  };
}

/** The part of cron that is measured. */
export interface CronModule {
  readonly CronJob: { from(options: { cronTime: string; onTick: () => void; start: boolean; timeZone: string }): unknown };
}

/** The part of node-cron that is measured. */
export interface NodeCronModule {
  schedule(pattern: string, task: () => void, options: { timezone: string }): unknown;
}

/** Which package is which. */
export interface PeerModules {
  readonly bree: BreeModule;
  readonly cron: CronModule;
  readonly 'node-cron': NodeCronModule;
}

/** @returns the exact versions that `bench/package.json` asks for */
export function peerVersions(): Readonly<Record<string, string>> {
  return (JSON.parse(readFileSync(`${FOLDER}package.json`, 'utf8')) as { dependencies: Record<string, string> }).dependencies;
}

/**
 * Installs the peers unless they are there in these versions.
 *
 * @param say told what happens, in one line
 * @returns whether they can be used
 */
export function installPeers(say: (line: string) => void): boolean {
  const missing = Object.entries(peerVersions()).filter(([name, version]) => installedVersion(name) !== version);
  if (missing.length === 0) return true;
  const list = missing.map(([name, version]) => `${name} ${version}`).join(', ');
  say(`installing what we are compared with (${list}): npm ci --prefix bench`);
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status } = spawnSync('npm', ['ci', ...options], { cwd: FOLDER, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status === 0) return true;
  say('that failed, so the figures against them have no baseline; check the network, or run it yourself: npm ci --prefix bench');
  return false;
}

/**
 * Loads a peer. Its name is no literal on purpose: the peers are not installed where the types of this repository are checked.
 *
 * @throws Error when it is not installed
 */
export async function loadPeer<Name extends keyof PeerModules>(name: Name): Promise<PeerModules[Name]> {
  return (await import(pathToFileURL(fromHere.resolve(name)).href)) as PeerModules[Name];
}

/** @returns whether a peer can be loaded here */
export function hasPeer(name: keyof PeerModules): boolean {
  return installedVersion(name) !== undefined;
}

function installedVersion(name: string): string | undefined {
  const path = `${FOLDER}node_modules/${name}/package.json`;
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version : undefined;
}

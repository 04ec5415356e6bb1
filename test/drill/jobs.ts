/** The jobs of the drill: every kind of task, every policy, and what the checker must know of each. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What the checker knows of a job, beside its name; written down here so that it need not ask the scheduler's own code. */
export interface DrillJob {
  readonly everyMs: number;
  /** Its steps carry a checkpoint `{n}` that counts finished steps for ever. */
  readonly walks?: true;
  /** Its steps are requests, which the drill's own server witnesses. */
  readonly http?: true;
  /** The resource that it shares with others. */
  readonly exclusive?: string;
  /** As in the configuration, without schedule and exclusive. */
  readonly settings: Readonly<Record<string, unknown>>;
}

const FIXTURES = fileURLToPath(new URL('fixtures/', import.meta.url));
const PROGRAM = join(FIXTURES, 'work.sh');

/**
 * All jobs of the drill.
 *
 * @param dir where evidence and locks go
 * @param url of the drill's server
 */
export function drillJobs(dir: string, url: string): Readonly<Record<string, DrillJob>> {
  const module = (name: string, isolation: string, input: object = {}): object => ({
    isolation,
    task: { module: join(FIXTURES, 'work.ts'), export: name, input: { dir, ...input } },
  });
  const env = { DRILL: dir };
  const command = (...words: readonly string[]): object => ({ task: { command: ['/bin/sh', PROGRAM, ...words], env } });
  const short = { budget: '700ms', grace: '200ms' };
  const long = { budget: '4s', grace: '500ms' };
  return {
    'inline-skip': { everyMs: 1_000, settings: { ...long, ...module('once', 'inline', { ms: 300 }) } },
    'inline-walk': { everyMs: 1_000, walks: true, settings: { ...long, ...module('walk', 'inline', { ms: 80 }) } },
    'worker-skip': { everyMs: 1_000, settings: { ...long, onMissed: 'skip', ...module('once', 'worker', { ms: 1_400 }) } },
    'worker-queue': {
      everyMs: 1_000,
      settings: { ...long, onOverlap: 'queue', onMissed: 'all', missedLimit: 5, ...module('once', 'worker', { ms: 600 }) },
    },
    'worker-cancel': { everyMs: 2_000, settings: { ...long, onOverlap: 'cancel', ...module('once', 'worker', { ms: 3_000 }) } },
    'worker-walk': { everyMs: 2_000, walks: true, settings: { ...long, ...module('walk', 'worker', { ms: 100 }) } },
    'worker-deaf': { everyMs: 2_000, settings: { ...short, ...module('deaf', 'worker', { ms: 6_000 }) } },
    'process-skip': { everyMs: 2_000, settings: { ...long, ...module('once', 'process', { ms: 400 }) } },
    'process-walk': { everyMs: 2_000, walks: true, settings: { ...long, ...module('walk', 'process', { ms: 100 }) } },
    'process-deaf': { everyMs: 3_000, settings: { ...short, onOverlap: 'cancel', ...module('deaf', 'process', { ms: 6_000 }) } },
    'command-skip': { everyMs: 1_000, settings: { ...long, onMissed: 'skip', ...command('work', '0.3') } },
    'command-setsid': { everyMs: 2_000, settings: { ...long, onOverlap: 'queue', ...command('setsid', '30') } },
    'command-deaf': { everyMs: 2_000, settings: { ...short, onOverlap: 'cancel', ...command('deaf', '20') } },
    'command-walk': { everyMs: 2_000, walks: true, settings: { ...long, ...command('walk', '0.1') } },
    'command-retry': {
      everyMs: 2_000,
      settings: { ...long, retry: { attempts: 3, delay: '100ms' }, ...command('fail', '0.1') },
    },
    'shell-queue': {
      everyMs: 1_000,
      settings: {
        ...long,
        onOverlap: 'queue',
        onMissed: 'all',
        missedLimit: 3,
        task: { shell: `. ${PROGRAM}`, env: { ...env, WORK: 'work', TAKES: '0.5' } },
      },
    },
    'http-skip': { everyMs: 1_000, http: true, settings: { ...long, task: { http: { url: `${url}/once/http-skip` } } } },
    'http-poll': {
      everyMs: 2_000,
      http: true,
      settings: { ...long, onOverlap: 'cancel', task: { http: { url: `${url}/poll/http-poll` } } },
    },
    'till-one': { everyMs: 1_000, exclusive: 'till', settings: { ...long, onOverlap: 'queue', ...command('work', '0.4') } },
    'till-two': { everyMs: 1_000, exclusive: 'till', settings: { ...long, ...command('setsid', '30') } },
    'till-three': {
      everyMs: 2_000,
      exclusive: 'till',
      settings: { ...long, onOverlap: 'queue', ...module('once', 'worker', { ms: 250 }) },
    },
  };
}

/** The configuration of the daemon under the drill. */
export function configOf(jobs: Readonly<Record<string, DrillJob>>, ledger: string): object {
  return {
    store: `sqlite:${ledger}`,
    listen: false,
    timezone: 'UTC',
    concurrency: 32,
    shutdownGrace: '1s',
    log: { level: 'info', format: 'json' },
    history: { maxRunsPerJob: 1_000_000, maxAge: '30d' },
    jobs: Object.fromEntries(
      Object.entries(jobs).map(([name, { everyMs, exclusive, settings }]) => {
        const shared = exclusive === undefined ? {} : { exclusive: [exclusive] };
        return [name, { schedule: { every: `${everyMs}ms` }, ...shared, ...settings }];
      }),
    ),
  };
}

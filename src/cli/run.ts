/** `tickwise run`: the daemon, in the foreground. */
import type { Config } from '../config/config.ts';
import { formatProblem } from '../config/problem.ts';
import { redact } from '../config/redact.ts';
import { TickwiseError } from '../core/errors.ts';
import type { Calendar } from '../core/ports.ts';
import { type Daemon, startDaemon } from '../daemon.ts';
import { createCalendar } from '../system/calendar.ts';
import { createSystemClock } from '../system/clock.ts';
import { createLog, type Log } from '../system/log.ts';
import { watchSignals } from '../system/signals.ts';
import { EXIT } from './exit.ts';
import { readSettings } from './settings.ts';

/**
 * Runs until a signal ends it. A signal that comes while the daemon starts is heard, and acted upon once it is up.
 *
 * @param path the configuration file
 * @param version of this program
 * @returns the exit code: 0 after a drain; the caller ends the process with it
 * @throws TickwiseError of the configuration or the store, with nothing started
 */
export async function run(path: string, version: string): Promise<number> {
  const calendar = createCalendar();
  const config = readSettings(path, calendar);
  const context: Context = { config, path, calendar, secrets: config.secrets, log: openLog(config, () => context.secrets) };
  const { log } = context;
  for (const warning of config.warnings) log.warn(formatProblem(warning));
  process.on('uncaughtException', (error) => void crash(log, error));
  const up = Promise.withResolvers<Daemon>();
  const stopped = untilSignalled(up.promise, context);
  const daemon = await startDaemon(config, {
    clock: createSystemClock(),
    calendar,
    env: process.env,
    log,
    secrets: () => context.secrets,
  });
  log.info(`tickwise ${version} is up`, {
    jobs: config.jobs.length,
    store: describeStore(config),
    api: daemon.address ?? 'none',
    config: path,
    node: daemon.node.id,
    pid: process.pid,
  });
  up.resolve(daemon);
  const unproven = await stopped;
  for (const runId of unproven)
    log.error('an inline run ignored its stop; it ends with this process, and is written as lost at the next start', { runId });
  log.info('stopped');
  await log.flush();
  return EXIT.ok;
}

interface Context {
  /** As the daemon was started with; a reload replaces its jobs and nothing else. */
  readonly config: Config;
  readonly path: string;
  readonly calendar: Calendar;
  readonly log: Log;
  /** Of every configuration so far: a job may go on with what an older one gave it. */
  secrets: readonly string[];
}

function untilSignalled(up: Promise<Daemon>, context: Context): Promise<readonly string[]> {
  const { config, log } = context;
  const hurry = new AbortController();
  const drain = async (signal: NodeJS.Signals): Promise<readonly string[]> => {
    const daemon = await up;
    const live = daemon.scheduler.statistics().live;
    log.info(`${signal}: draining; a second signal stops at once`, { live, graceMs: config.shutdownGraceMs });
    return daemon.stop(hurry.signal);
  };
  let reloaded: Promise<void> = Promise.resolve();
  return new Promise((resolve, reject) => {
    watchSignals({
      drain: (signal) => void drain(signal).then(resolve, reject),
      hurry(signal) {
        log.warn(`${signal}: stopping at once`);
        hurry.abort();
      },
      reload() {
        // One after the other, so that the newest configuration is the last.
        reloaded = Promise.all([up, reloaded]).then(([daemon]) => reload(daemon, context));
      },
    });
  });
}

/** A configuration with faults changes nothing. Never rejects. */
async function reload(daemon: Daemon, context: Context): Promise<void> {
  const { config, path, calendar, log } = context;
  try {
    const next = readSettings(path, calendar);
    context.secrets = [...new Set([...context.secrets, ...next.secrets])];
    for (const warning of next.warnings) log.warn(formatProblem(warning));
    await daemon.reload(next.jobs);
    log.info('reloaded', { jobs: next.jobs.length });
    const fixed = (['store', 'concurrency', 'listen', 'auth', 'log', 'shutdownGraceMs', 'labels'] as const).filter(
      (key) => JSON.stringify(next[key]) !== JSON.stringify(config[key]),
    );
    if (fixed.length > 0) log.warn('these settings have changed and need a restart', { settings: fixed.join(' ') });
  } catch (error) {
    const lines = error instanceof TickwiseError ? error.message.split('\n') : [String(error)];
    for (const line of lines) log.error(`not reloaded: ${line}`);
  }
}

function openLog({ log }: Config, secrets: () => readonly string[]): Log {
  const isTerminal = process.stdout.isTTY === true;
  return createLog({
    level: log.level,
    format: log.format === 'auto' ? (isTerminal ? 'pretty' : 'json') : log.format,
    stream: process.stdout,
    file: log.file,
    redact: (text) => redact(text, secrets()),
    colour: isTerminal && process.env['NO_COLOR'] === undefined,
  });
}

function describeStore({ store }: Config): string {
  return store.kind === 'sqlite' ? store.path : store.kind;
}

/** A bug, or a promise that an inline task abandoned. The next start finds out what was left, and proves its end. */
async function crash(log: Log, error: unknown): Promise<void> {
  log.error('the daemon crashes', { error: error instanceof Error ? error.stack : String(error) });
  await log.flush();
  process.exit(EXIT.failed);
}

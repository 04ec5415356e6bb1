/** `tickwise run`: the daemon, in the foreground. */
import type { Config } from '../config/config.ts';
import { formatProblem } from '../config/problem.ts';
import { redact } from '../config/redact.ts';
import { TickwiseError } from '../core/errors.ts';
import type { Calendar } from '../core/ports.ts';
import { type Daemon, startDaemon } from '../daemon.ts';
import { Events } from '../engine/events.ts';
import { narrate } from '../engine/narrate.ts';
import { createCalendar } from '../system/calendar.ts';
import { createSystemClock } from '../system/clock.ts';
import { createLog, type Log } from '../system/log.ts';
import { watchSignals } from '../system/signals.ts';
import { EXIT } from './exit.ts';
import { readSettings } from './settings.ts';

/**
 * Runs until a signal ends it.
 *
 * @param path the configuration file
 * @param version of this program
 * @returns the exit code: 0 after a drain; the caller ends the process with it
 * @throws TickwiseError of the configuration or the store, with nothing started
 */
export async function run(path: string, version: string): Promise<number> {
  const calendar = createCalendar();
  const config = readSettings(path, calendar);
  const log = openLog(config);
  for (const warning of config.warnings) log.warn(formatProblem(warning));
  const events = new Events();
  using _narration = narrate(events, log);
  process.on('uncaughtException', (error) => void crash(log, error));
  const daemon = await startDaemon(config, {
    clock: createSystemClock(),
    calendar,
    env: process.env,
    events,
    onUnproven: (left, why) =>
      log.error('a run of an earlier daemon is blocked: its end is not proved, so its slot stays taken', { job: left.job, runId: left.id, what: why }),
  });
  log.info(`tickwise ${version} is up`, { jobs: config.jobs.length, store: describeStore(config), config: path, node: daemon.node.id, pid: process.pid });
  const unproven = await untilSignalled(daemon, { config, path, calendar, log });
  for (const runId of unproven) log.error('an inline run ignored its stop; it ends with this process, and is written as lost at the next start', { runId });
  log.info('stopped');
  await log.flush();
  return EXIT.ok;
}

interface Context {
  readonly config: Config;
  readonly path: string;
  readonly calendar: Calendar;
  readonly log: Log;
}

function untilSignalled(daemon: Daemon, context: Context): Promise<readonly string[]> {
  const { config, log } = context;
  const hurry = new AbortController();
  return new Promise((resolve, reject) => {
    watchSignals({
      drain(signal) {
        const live = daemon.scheduler.statistics().live;
        log.info(`${signal}: draining; a second signal stops at once`, { live, graceMs: config.shutdownGraceMs });
        daemon.stop(hurry.signal).then(resolve, reject);
      },
      hurry(signal) {
        log.warn(`${signal}: stopping at once`);
        hurry.abort();
      },
      reload: () => void reload(daemon, context),
    });
  });
}

/** A configuration with faults changes nothing. */
async function reload(daemon: Daemon, { config, path, calendar, log }: Context): Promise<void> {
  try {
    const next = readSettings(path, calendar);
    await daemon.scheduler.reload(next.jobs);
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

function openLog({ log, secrets }: Config): Log {
  const isTerminal = process.stdout.isTTY === true;
  return createLog({
    level: log.level,
    format: log.format === 'auto' ? (isTerminal ? 'pretty' : 'json') : log.format,
    stream: process.stdout,
    file: log.file,
    redact: (text) => redact(text, secrets),
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

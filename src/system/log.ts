/** The daemon's log, by winston. Its import costs 45 ms, so it waits for the first line; nothing else imports it. */
import { createRequire } from 'node:module';
import { Writable } from 'node:stream';
import type * as Winston from 'winston';
import type { TaskLog } from '../core/task.ts';
import { createSystemClock } from './clock.ts';
import { createLogFile, type LogFileOptions, type LogTarget } from './log-file.ts';
import { type LineStyle, lineOf, LOG_LEVELS, type LogEntry, type LogLevel } from './log-line.ts';

/** A log. No method throws, whatever the fields hold and whatever becomes of the targets. */
export interface Log extends TaskLog {
  /** A log that adds these fields to each line; shares all else. */
  child(fields: Record<string, unknown>): Log;
  /** Resolves when every line so far is written, or given up after five seconds; leaving the process then loses nothing. */
  flush(): Promise<void>;
}

/** What a log writes, how, and where. */
export interface LogOptions {
  readonly level: LogLevel;
  readonly format: 'pretty' | 'json';
  /** Usually standard error or output. */
  readonly stream: NodeJS.WritableStream;
  /** JSON lines, beside those on the stream. */
  readonly file?: LogFileOptions | undefined;
  /** Takes secrets out of every text. */
  readonly redact?: ((text: string) => string) | undefined;
  readonly colour: boolean;
}

/** What may wait in a stream that is slower than the log; lines above it are lost, and counted. */
const BACKLOG_LIMIT_BYTES = 8 * 2 ** 20;
const FLUSH_LIMIT_MS = 5_000;
const FLUSH_TURNS = 1_000;

/**
 * Makes a log. Nothing is opened and winston is not loaded until the first line.
 *
 * @param options level, format, targets
 * @returns the log; whoever ends the process waits for its `flush`
 */
export function createLog(options: LogOptions): Log {
  const sink = new Sink(options);
  return logWith(sink, {});
}

function logWith(sink: Sink, bound: Readonly<Record<string, unknown>>): Log {
  const at = (level: LogLevel) => (message: string, fields?: Record<string, unknown>) => sink.take(level, message, bound, fields);
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => logWith(sink, { ...bound, ...fields }),
    flush: () => sink.flush(),
  };
}

/** One per `createLog`, shared by its children. */
class Sink {
  readonly options: LogOptions;
  readonly threshold: number;
  readonly targets: CountedTarget[] = [];
  logger: Winston.Logger | undefined;
  accepted = 0;

  constructor(options: LogOptions) {
    this.options = options;
    this.threshold = LOG_LEVELS.indexOf(options.level);
  }

  take(level: LogLevel, message: string, bound: Readonly<Record<string, unknown>>, fields?: Record<string, unknown>): void {
    if (LOG_LEVELS.indexOf(level) < this.threshold) return;
    try {
      this.logger ??= this.openLogger();
      this.accepted++;
      this.logger.log({
        level,
        message: '',
        entry: { at: Date.now(), level, message: String(message), fields: { ...bound, ...fields } },
      });
    } catch {
      // A log that cannot take a line has nobody to tell.
    }
  }

  async flush(): Promise<void> {
    for (let turn = 0; turn < FLUSH_TURNS && this.targets.some((target) => target.received < this.accepted); turn++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(this.targets.map((target) => target.flush()));
  }

  openLogger(): Winston.Logger {
    const winston = createRequire(import.meta.url)('winston') as typeof Winston;
    const { format, colour, redact, file, stream } = this.options;
    const json: LineStyle = { format: 'json', colour: false, redact };
    const onStream = this.addTarget((text) => streamTarget(stream, text), { format, colour, redact });
    const onFile =
      file === undefined ? [] : [this.addTarget((text) => createLogFile(file, (trouble) => this.trouble(trouble), text), json)];
    const logger = winston.createLogger({
      levels: { error: 0, warn: 1, info: 2, debug: 3 },
      level: 'debug',
      transports: [onStream, ...onFile].map(
        (target) => new winston.transports.Stream({ stream: target.stream, format: target.format, eol: '\n' }),
      ),
    });
    logger.on('error', () => undefined);
    return logger;
  }

  addTarget(open: (lostLine: (count: number) => string) => LogTarget, style: LineStyle): CountedTarget {
    const lostLine = (count: number): string =>
      `${lineOf({ at: Date.now(), level: 'warn', message: 'lines of this log were lost', fields: { lost: count } }, style)}\n`;
    const target = new CountedTarget(open(lostLine), style);
    this.targets.push(target);
    return target;
  }

  /** Said once on the stream, which is not the target that is in trouble. */
  trouble(text: string): void {
    const { format, colour, redact } = this.options;
    this.targets[0]?.target.write(
      `${lineOf({ at: Date.now(), level: 'warn', message: text, fields: {} }, { format, colour, redact })}\n`,
    );
  }
}

const clock = createSystemClock();
const MESSAGE = Symbol.for('message');

/** A target as winston wants it: a writable stream, and a format that makes the line. */
class CountedTarget {
  readonly target: LogTarget;
  readonly stream: Writable;
  readonly format: { transform(info: Info): Info };
  received = 0;

  constructor(target: LogTarget, style: LineStyle) {
    this.target = target;
    this.format = { transform: (info) => ({ ...info, [MESSAGE]: safeLine(info['entry'] as LogEntry, style) }) };
    this.stream = new Writable({
      decodeStrings: false,
      write: (line: string, _encoding, done) => {
        this.received++;
        target.write(line);
        done();
      },
    });
  }

  /** A target that hangs is given up: the process that waits for this wants to end. */
  flush(): Promise<void> {
    return new Promise((resolve) => {
      const patience = clock.setTimer(clock.monotonic() + FLUSH_LIMIT_MS, resolve);
      void this.target.flush().then(() => {
        patience.cancel();
        resolve();
      });
    });
  }
}

interface Info {
  level: string;
  message: unknown;
  [key: string | symbol]: unknown;
}

function safeLine(entry: LogEntry, style: LineStyle): string {
  try {
    return lineOf(entry, style);
  } catch {
    return lineOf({ ...entry, message: 'a line that cannot be written', fields: {} }, { ...style, redact: undefined });
  }
}

/** A stream that we did not open and do not close: it may die (EPIPE) or fall behind without harm. */
function streamTarget(stream: NodeJS.WritableStream, lostLine: (count: number) => string): LogTarget {
  let lost = 0;
  let dead = false;
  stream.on('error', () => {
    dead = true;
  });
  const isBehind = (): boolean =>
    (stream as Partial<Writable>).writableLength !== undefined && (stream as Writable).writableLength > BACKLOG_LIMIT_BYTES;
  return {
    write: (line) => {
      if (dead || !stream.writable || isBehind()) {
        lost++;
        return;
      }
      if (lost > 0) stream.write(lostLine(lost));
      lost = 0;
      stream.write(line);
    },
    flush: () => new Promise((resolve) => (dead || !stream.writable ? resolve() : stream.write('', () => resolve()))),
  };
}

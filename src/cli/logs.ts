/** `tickwise logs`: what a run has written, line by line. */
import type { Config } from '../config/config.ts';
import { redact } from '../config/redact.ts';
import type { LineAnswer } from './answer.ts';
import type { Api } from './api.ts';
import { EXIT } from './exit.ts';
import { localTime, paint } from './format.ts';
import { lineForPrograms, openLedger } from './ledger.ts';
import { findRun, fromDaemon, openSource, type Source } from './source.ts';
import type { RemoteOptions } from './target.ts';

const PAGE = 1_000;
/** How soon a new line is seen. */
const LOOK_MS = 500;
const CONTROL = /[\p{Cc}\u2028\u2029]+/gu;

/** What `logs` may be told. */
export interface LogsOptions {
  readonly json: boolean;
  readonly follow: boolean;
}

/**
 * Prints the lines that are kept of a run.
 *
 * @param remote where the daemon is, and the configuration
 * @param idOrPart a run's id, or a part of one that no other run's has
 * @param options `follow`: until the run has ended; `json`: a JSON object a line
 * @returns 0, also when the run wrote nothing
 * @throws TickwiseError `RUN_NOT_FOUND`; those of the configuration, of the ledger and of the daemon
 */
export async function logs(remote: RemoteOptions, idOrPart: string, options: LogsOptions): Promise<number> {
  const source = openSource(remote);
  const { id } = await findRun(source, idOrPart);
  const printer = new Printer(source, options.json);
  const told = await fromDaemon(source, (api) => fromApi(api, id, printer, options.follow));
  // A daemon that went away meanwhile has left the rest in the ledger.
  if (told === undefined) await fromLedger(source.config as Config, id, printer);
  return EXIT.ok;
}

async function fromApi(api: Api, id: string, printer: Printer, follow: boolean): Promise<true> {
  for (;;) {
    // Asked before the lines, so that no line of an ended run is left out.
    const hasEnded = !follow || (await api.run(id)).endedAt !== undefined;
    let page: readonly LineAnswer[];
    do {
      page = await api.log(id, { after: printer.last, limit: PAGE });
      printer.print(page);
    } while (page.length === PAGE);
    if (hasEnded) return true;
    await api.run(id, { waitMs: LOOK_MS });
  }
}

async function fromLedger(config: Config, runId: string, printer: Printer): Promise<void> {
  await using ledger = await openLedger(config);
  let count: number;
  do {
    const lines = await ledger.log({ runId, after: printer.last, limit: PAGE });
    printer.print(lines.map(lineForPrograms));
    count = lines.length;
  } while (count === PAGE);
}

/** Writes lines, and knows which was the last, so that none is written twice. */
class Printer {
  /** The number of the last line; 0 before the first. */
  last = 0;
  readonly #source: Source;
  readonly #json: boolean;

  constructor(source: Source, json: boolean) {
    this.#source = source;
    this.#json = json;
  }

  print(lines: readonly LineAnswer[]): void {
    const { secrets, timezone } = this.#source;
    let text = '';
    for (const line of lines) {
      const hole = line.seq - this.last - 1;
      if (hole > 0 && !this.#json) text += `${grey(`… ${hole} lines are not kept`)}\n`;
      text += `${this.#json ? JSON.stringify(line) : lineText(line, timezone)}\n`;
      this.last = line.seq;
    }
    if (text !== '') process.stdout.write(redact(text, secrets));
  }
}

const COLOURS: Readonly<Record<string, 'red' | 'yellow' | 'gray'>> = { error: 'red', warn: 'yellow', debug: 'gray' };

function lineText({ at, level, source, text, fields }: LineAnswer, timezone: string): string {
  const time = localTime(Date.parse(at), timezone).split(' ')[1] ?? '';
  const colour = COLOURS[level];
  const told = source === 'task' ? level : source;
  const padded = told.padEnd(6);
  const rest = fields === undefined ? '' : ` ${JSON.stringify(fields)}`;
  return `${grey(time.padEnd(12))} ${paint({ text: padded, colour })} ${`${text}${rest}`.replace(CONTROL, ' ')}`;
}

function grey(text: string): string {
  return paint({ text, colour: 'gray' });
}

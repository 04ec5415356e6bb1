/** `tickwise show`: all that the ledger knows of one run. */
import { redact } from '../config/redact.ts';
import { TickwiseError } from '../core/errors.ts';
import type { LedgerReader, RunRecord, TickRecord } from '../core/ledger.ts';
import type { Instant } from '../core/time.ts';
import { formatDuration } from '../core/time.ts';
import { createCalendar } from '../system/calendar.ts';
import { isNodeAlive } from '../system/identity.ts';
import { EXIT } from './exit.ts';
import { colourOf, iso, localTime, paint, printJson } from './format.ts';
import { openLedger, runForPrograms } from './ledger.ts';
import { readSettings } from './settings.ts';

/** `findRuns` gives no more than these. */
const MOST_FOUND = 10;

/**
 * Prints a run.
 *
 * @param path the configuration file
 * @param idOrPart a run's id, or any part of one that no other run's has
 * @param options `json`: as a JSON object
 * @returns 0
 * @throws TickwiseError `RUN_NOT_FOUND` when no run or more than one matches, `STORE_UNUSABLE`, `STORE_UNSUPPORTED` and those of
 *   the configuration
 */
export async function show(path: string, idOrPart: string, options: { readonly json: boolean }): Promise<number> {
  const config = readSettings(path, createCalendar());
  await using ledger = await openLedger(config);
  const run = await findRun(ledger, idOrPart);
  const [tick] = run.cause === 'trigger' ? [] : await ledger.ticks({ job: run.job, from: run.tick, to: run.tick + 1, limit: 1 });
  if (options.json) {
    const ofTick = tick === undefined ? {} : { tickOutcome: tick.outcome, tickDecidedAt: iso(tick.decidedAt) };
    printJson({ ...runForPrograms(run), ...ofTick }, config.secrets);
  } else {
    process.stdout.write(redact(runText(run, tick, config.timezone), config.secrets));
  }
  return EXIT.ok;
}

async function findRun(ledger: LedgerReader, idOrPart: string): Promise<RunRecord> {
  const [run, ...others] = idOrPart === '' ? [] : await ledger.findRuns(idOrPart);
  if (run === undefined) {
    throw new TickwiseError(
      'RUN_NOT_FOUND',
      `no run has ${JSON.stringify(idOrPart)} in its id; "tickwise runs" shows those that are kept`,
    );
  }
  if (others.length === 0) return run;
  const count = others.length + 1 < MOST_FOUND ? String(others.length + 1) : `${MOST_FOUND} or more`;
  throw new TickwiseError(
    'RUN_NOT_FOUND',
    `${count} runs have ${JSON.stringify(idOrPart)} in their id, e.g. ${run.id} and ${others[0]?.id}; give more of it`,
  );
}

function runText(run: RunRecord, tick: TickRecord | undefined, timezone: string): string {
  const at = (instant: Instant | undefined): string | undefined =>
    instant === undefined ? undefined : localTime(instant, timezone);
  const lines: (readonly [string, string | undefined])[] = [
    ['run', run.id],
    ['job', run.job],
    ['state', run.state],
    ['reason', run.reason],
    ['by', run.by],
    ['cause', run.cause],
    ['tick', `${localTime(run.tick, timezone)} (${iso(run.tick)})${tick === undefined ? '' : `, ${tick.outcome}`}`],
    ['queued', run.queuedAt === run.grantedAt ? undefined : at(run.queuedAt)],
    ['granted', at(run.grantedAt)],
    ['started', at(run.startedAt)],
    ['ended', at(run.endedAt)],
    ['took', run.startedAt === undefined || run.endedAt === undefined ? undefined : formatDuration(run.endedAt - run.startedAt)],
    ['budget', run.budgetMs === undefined ? undefined : formatDuration(run.budgetMs)],
    ['grace', run.graceMs === undefined ? undefined : formatDuration(run.graceMs)],
    ['steps', `${run.steps}${run.stalled === true ? ', stalled' : ''}`],
    ['attempts', String(run.attempts)],
    ['fence', run.fence?.toString()],
    ['daemon', daemonText(run)],
    ['progress', progressText(run)],
    ['input', pretty(run.input)],
    ['checkpoint', pretty(run.checkpoint)],
    ['result', pretty(run.result)],
    ['error', run.error === undefined ? undefined : (run.error.stack ?? `${run.error.name}: ${run.error.message}`)],
  ];
  return lines
    .map(([name, value]) => (value === undefined ? '' : `${name.padEnd(NAME_WIDTH)}${written(name, value)}\n`))
    .join('');
}

const NAME_WIDTH = 12;

/** Control characters of what a job wrote must not reach a terminal; line breaks may. */
const CONTROL = /[^\P{Cc}\n]+/gu;

function written(name: string, value: string): string {
  if (name === 'state') return paint({ text: value, colour: colourOf(value) });
  return value.replace(CONTROL, ' ').replaceAll('\n', `\n${' '.repeat(NAME_WIDTH)}`);
}

function pretty(json: string | undefined): string | undefined {
  return json === undefined ? undefined : JSON.stringify(JSON.parse(json), undefined, 2);
}

function daemonText({ node, endedAt }: RunRecord): string | undefined {
  if (node === undefined) return undefined;
  const gone = endedAt === undefined && !isNodeAlive(node) ? ', gone: the next daemon proves the end of this run' : '';
  return `pid ${node.pid} on ${node.host}, since ${iso(node.startedAt)}${gone}`;
}

function progressText({ progress }: RunRecord): string | undefined {
  if (progress === undefined) return undefined;
  const { completed, total, message } = progress;
  return `${completed}${total === undefined ? '' : ` of ${total}`}${message === undefined ? '' : `: ${message}`}`;
}

/** `tickwise show`: all that the ledger knows of one run. */
import { redact } from '../config/redact.ts';
import type { TickOutcome } from '../core/tick.ts';
import { formatDuration } from '../core/time.ts';
import { isNodeAlive } from '../system/identity.ts';
import type { RunAnswer } from './answer.ts';
import { EXIT } from './exit.ts';
import { colourOf, iso, localTime, paint, printJson } from './format.ts';
import { openLedger } from './ledger.ts';
import { findRun, openSource, readsLedger, type Source } from './source.ts';
import type { RemoteOptions } from './target.ts';

/**
 * Prints a run.
 *
 * @param remote where the daemon is, and the configuration
 * @param idOrPart a run's id, or any part of one that no other run's has
 * @param options `json`: as a JSON object
 * @returns 0
 * @throws TickwiseError `RUN_NOT_FOUND` when no run or more than one matches, `STORE_UNUSABLE`, `STORE_UNSUPPORTED` and those of
 *   the configuration and of the daemon
 */
export async function show(remote: RemoteOptions, idOrPart: string, options: { readonly json: boolean }): Promise<number> {
  const source = openSource(remote);
  const run = await findRun(source, idOrPart);
  const tick = await tickOf(source, run);
  if (options.json) printJson({ ...run, ...tick }, source.secrets);
  else process.stdout.write(redact(runText(run, tick?.tickOutcome, source.timezone), source.secrets));
  return EXIT.ok;
}

/** What the ledger says of the tick that led to a run. */
async function tickOf(
  source: Source,
  run: RunAnswer,
): Promise<{ readonly tickOutcome: TickOutcome; readonly tickDecidedAt: string } | undefined> {
  if (run.cause === 'trigger' || !readsLedger(source)) return undefined;
  await using ledger = await openLedger(source.config);
  const at = Date.parse(run.tick);
  const [tick] = await ledger.ticks({ job: run.job, from: at, to: at + 1, limit: 1 });
  return tick === undefined ? undefined : { tickOutcome: tick.outcome, tickDecidedAt: iso(tick.decidedAt) };
}

function runText(run: RunAnswer, tickOutcome: TickOutcome | undefined, timezone: string): string {
  const at = (instant: string | undefined): string | undefined =>
    instant === undefined ? undefined : localTime(Date.parse(instant), timezone);
  const { startedAt, endedAt } = run;
  const lines: (readonly [string, string | undefined])[] = [
    ['run', run.id],
    ['job', run.job],
    ['state', run.state],
    ['waiting for', run.waitingFor],
    ['reason', run.reason],
    ['by', run.by],
    ['cause', run.cause],
    ['tick', `${at(run.tick)} (${run.tick})${tickOutcome === undefined ? '' : `, ${tickOutcome}`}`],
    ['queued', run.queuedAt === run.grantedAt ? undefined : at(run.queuedAt)],
    ['granted', at(run.grantedAt)],
    ['started', at(startedAt)],
    ['deadline', at(run.deadline)],
    ['ended', at(endedAt)],
    [
      'took',
      startedAt === undefined || endedAt === undefined ? undefined : formatDuration(Date.parse(endedAt) - Date.parse(startedAt)),
    ],
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

function pretty(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value, undefined, 2);
}

function daemonText({ node, endedAt }: RunAnswer): string | undefined {
  if (node === undefined) return undefined;
  const gone = endedAt === undefined && !isNodeAlive(node) ? ', gone: the next daemon proves the end of this run' : '';
  return `pid ${node.pid} on ${node.host}, since ${iso(node.startedAt)}${gone}`;
}

function progressText({ progress }: RunAnswer): string | undefined {
  if (progress === undefined) return undefined;
  const { completed, total, message } = progress;
  return `${completed}${total === undefined ? '' : ` of ${total}`}${message === undefined ? '' : `: ${message}`}`;
}

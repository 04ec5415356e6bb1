/** Waiting for the end of a run, with its progress on standard error and its outcome on standard output. */
import { constants } from 'node:os';
import { redact } from '../config/redact.ts';
import { TickwiseError } from '../core/errors.ts';
import type { RunAnswer } from './answer.ts';
import type { Api } from './api.ts';
import { EXIT } from './exit.ts';
import { colourOf, paint, plural, printJson, roughly } from './format.ts';
import { ProgressLine } from './progress.ts';

/** Between two looks at a run when nobody watches; a run's end is told at once. */
const QUIET_WAIT_MS = 10_000;
const WATCHED_WAIT_MS = 1_000;
const CONTROL = /[\p{Cc}\u2028\u2029]+/gu;
/** Control characters but for line breaks: JSON leaves some as they are. */
const NO_LINE_BREAK = /[^\P{Cc}\n]+/gu;

/**
 * Waits until a run has ended, and tells how. Ctrl-C ends the waiting and not the run.
 *
 * @param api the daemon
 * @param runId whole
 * @param options `json`: the ended run as a JSON object, and no progress
 * @returns 0 for `succeeded`, and for `unfinished`, which goes on at the next tick; 130 after Ctrl-C; else 1
 * @throws TickwiseError `NO_DAEMON` when the daemon goes away meanwhile; `REQUEST_FAILED`
 */
export async function waitForEnd(api: Api, runId: string, options: { readonly json: boolean }): Promise<number> {
  const line = new ProgressLine(process.stderr, {
    terminal: process.env['TERM'],
    paint: (cell) => paint(cell, process.stderr),
  });
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort();
  process.once('SIGINT', interrupt);
  try {
    const run = await lastLook(api, runId, interruption.signal, options.json ? undefined : line);
    line.clear();
    if (options.json) printJson(run, api.secrets);
    else process.stdout.write(redact(outcomeText(run), api.secrets));
    return run.state === 'succeeded' || run.state === 'unfinished' ? EXIT.ok : EXIT.failed;
  } catch (error) {
    line.clear();
    if (!interruption.signal.aborted) throw goneMeanwhile(error, runId);
    console.error(`tickwise: waiting no longer; run ${runId} goes on; "tickwise cancel ${runId}" stops it`);
    return 128 + constants.signals.SIGINT;
  } finally {
    process.off('SIGINT', interrupt);
  }
}

async function lastLook(api: Api, runId: string, signal: AbortSignal, line: ProgressLine | undefined): Promise<RunAnswer> {
  let run = await api.run(runId, { signal });
  while (run.endedAt === undefined) {
    line?.update(run, Date.now());
    run = await api.run(runId, { signal, waitMs: line?.isLive === true ? WATCHED_WAIT_MS : QUIET_WAIT_MS });
  }
  return run;
}

function goneMeanwhile(error: unknown, runId: string): unknown {
  if (!(error instanceof TickwiseError) || error.code !== 'NO_DAEMON') return error;
  return new TickwiseError(
    'NO_DAEMON',
    `the daemon went away while run ${runId} was live; "tickwise show ${runId}" tells what became of it`,
    { cause: error },
  );
}

function outcomeText(run: RunAnswer): string {
  const { id, state, startedAt, endedAt, steps, reason, error, result } = run;
  const took =
    startedAt === undefined || endedAt === undefined ? '' : ` after ${roughly(Date.parse(endedAt) - Date.parse(startedAt))}`;
  const why = error === undefined ? reason : `${error.name}: ${error.message}`;
  const told = why === undefined ? '' : `: ${why.replace(CONTROL, ' ')}`;
  const goesOn = state === 'unfinished' ? '; it goes on from its checkpoint at the next tick' : '';
  const head = `run ${id} ${paint({ text: state, colour: colourOf(state) })}${took}, ${plural(steps, 'step')}${told}${goesOn}\n`;
  return result === undefined ? head : `${head}${JSON.stringify(result, undefined, 2).replace(NO_LINE_BREAK, ' ')}\n`;
}

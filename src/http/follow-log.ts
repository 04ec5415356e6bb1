/** The log of a run as a stream, until the run has ended. The ledger is read only as fast as the reader takes its lines. */
import type { RouteParts } from './route-parts.ts';
import { comment, frame } from './sse.ts';
import { lineJson, outcomeOf } from './view-run.ts';
import { waitForEnd } from './wait-for-end.ts';

/** How often the ledger is asked for further lines of a run that is live. */
const POLL_MS = 500;
const HEARTBEAT_POLLS = 30;
const PAGE = 1_000;

/**
 * Follows the log of a run.
 *
 * @param parts ledger and clock
 * @param runId whose log
 * @param after the number of the last line that the reader has
 * @param onEnd called once, when the stream is at its end or its reader has gone
 * @returns server-sent events: `line`, and at last `end`; it closes without that when the ledger cannot be read
 */
export function followLog(parts: RouteParts, runId: string, after: number, onEnd: () => void): ReadableStream<Uint8Array> {
  const gone = new AbortController();
  const chunks = read(parts, runId, after, gone.signal);
  const end = (): void => {
    gone.abort();
    onEnd();
  };
  const next = async (): Promise<IteratorResult<Uint8Array, Uint8Array | undefined>> => {
    try {
      return await chunks.next();
    } catch (error) {
      // A reader that is not told of the end knows that there is more, and after which line.
      parts.onFault(error, `GET the log of ${runId}`);
      return { done: true, value: undefined };
    }
  };
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await next();
        if (gone.signal.aborted) return;
        if (value !== undefined) controller.enqueue(value);
        if (done !== true) return;
        end();
        controller.close();
      },
      cancel: end,
    },
    { highWaterMark: 1 },
  );
}

async function* read(
  { control, clock, redact }: RouteParts,
  runId: string,
  after: number,
  gone: AbortSignal,
): AsyncGenerator<Uint8Array, Uint8Array | undefined> {
  let last = after;
  yield comment('log');
  for (let silent = 1; !gone.aborted; silent++) {
    // Asked before the lines, so that no line of an ended run is left out.
    const state = (await control.run(runId))?.state;
    let lines = await control.log(runId, { after: last, limit: PAGE });
    while (lines !== undefined && lines.length > 0 && !gone.aborted) {
      silent = 0;
      for (const line of lines) {
        last = line.seq;
        yield frame('line', redact(JSON.stringify(lineJson(line))), line.seq);
      }
      lines = lines.length < PAGE ? [] : await control.log(runId, { after: last, limit: PAGE });
    }
    if (state === undefined || outcomeOf(state) !== undefined) return frame('end', JSON.stringify({ state }));
    if (silent > 0 && silent % HEARTBEAT_POLLS === 0) yield comment('');
    await waitForEnd(control, clock, runId, { waitMs: POLL_MS, gone });
  }
  return undefined;
}

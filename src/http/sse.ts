/** Server-sent events as bytes. @see https://html.spec.whatwg.org/multipage/server-sent-events.html */

const encoder = new TextEncoder();

/** The headers of a stream of events: kept by nobody, held back by no proxy. */
export const EVENT_STREAM_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
};

/**
 * One event.
 *
 * @param type its name, without a line break
 * @param data text without a line break, such as JSON
 * @param id what a listener gives to go on from here; absent: it goes on from the event before
 */
export function frame(type: string, data: string, id?: string | number): Uint8Array {
  return encoder.encode(`${id === undefined ? '' : `id: ${id}\n`}event: ${type}\ndata: ${data}\n\n`);
}

/** A line that listeners pass over, as a sign of life. @param text without a line break */
export function comment(text: string): Uint8Array {
  return encoder.encode(`: ${text}\n\n`);
}

/** A comment with a place: a listener that has seen no event yet goes on from there when its connection breaks. @param id of the newest event */
export function place(text: string, id: string): Uint8Array {
  return encoder.encode(`: ${text}\nid: ${id}\n\n`);
}

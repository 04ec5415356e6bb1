/** Cursors of pages: the last id of a page, bound to what was asked for. Whoever changes one has made a wrong one. */
import { createHash } from 'node:crypto';
import { RUN_ID } from './schema.ts';

const CHECK_LENGTH = 16;

/**
 * Makes a cursor.
 *
 * @param runId the last one of a page
 * @param query what the pages are of, as text; another query refuses the cursor
 * @returns letters, digits, hyphens and underscores
 */
export function cursorOf(runId: string, query: string): string {
  return Buffer.from(`${checkOf(runId, query)}${runId}`).toString('base64url');
}

/**
 * Reads a cursor.
 *
 * @param cursor what came in
 * @param query what the pages are of, as text
 * @returns the id after which the page begins; `undefined` for a cursor that was not made for this query
 */
export function readCursor(cursor: string, query: string): string | undefined {
  const runId = Buffer.from(cursor, 'base64url').toString().slice(CHECK_LENGTH);
  return RUN_ID.test(runId) && cursorOf(runId, query) === cursor ? runId : undefined;
}

function checkOf(runId: string, query: string): string {
  return createHash('sha256').update(`${query}\n${runId}`).digest('hex').slice(0, CHECK_LENGTH);
}

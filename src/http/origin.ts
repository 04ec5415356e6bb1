/**
 * Pages of other origins get nothing through a user's browser: neither an answer (there are no CORS headers, ever) nor an effect.
 *
 * @see Fetch Metadata Request Headers, https://www.w3.org/TR/fetch-metadata/
 */
import type { IncomingMessage } from 'node:http';
import type { Rule } from './hosts.ts';
import { problem } from './problem.ts';

/**
 * Makes the rule by which `Origin` and `Sec-Fetch-Site` are judged. It relies on a `Host` that was judged before.
 *
 * @param schemes by which a browser can have come here
 * @returns a rule that answers 403 to whatever another origin's page sends, but for following a link to the page
 */
export function createOriginRule(schemes: readonly ('http' | 'https')[]): Rule {
  return (incoming) => {
    const { origin, host = '' } = incoming.headers;
    const site = incoming.headers['sec-fetch-site'];
    const isOwn = origin === undefined || schemes.some((scheme) => origin.toLowerCase() === `${scheme}://${host.toLowerCase()}`);
    const isNear = site === undefined || site === 'same-origin' || site === 'none';
    if (isOwn && (isNear || isLinkToPage(incoming))) return undefined;
    return problem(403, 'ORIGIN_FOREIGN', 'a page of another origin may not use this API', {}, { connection: 'close' });
  };
}

/** Somebody followed a link: the browser shows the page, and its origin learns nothing. */
function isLinkToPage({ method, url, headers }: IncomingMessage): boolean {
  const isNavigation = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  return method === 'GET' && url === '/' && headers.origin === undefined && isNavigation;
}

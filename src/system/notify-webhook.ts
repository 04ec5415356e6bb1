/** One attempt to tell a webhook, signed as Standard Webhooks have it, so that receivers need no code of their own. */
import { createHmac } from 'node:crypto';
import type { Clock } from '../core/ports.ts';
import type { DurationMs } from '../core/time.ts';
import type { Answer, Send } from './notify-send.ts';

/** How an attempt came out. `gone`: the receiver wants to hear no more. `what`: one line, without the address. */
export type Attempt =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'gone'; readonly what: string }
  | {
      readonly kind: 'failed';
      readonly what: string;
      /** Of the answer, if there was one. */
      readonly status?: number | undefined;
      readonly retryAfterMs?: DurationMs | undefined;
    };

/** What is posted, and how. */
export interface Post {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: DurationMs;
}

/** What a post goes through. */
export interface PostMeans {
  readonly clock: Clock;
  readonly send: Send;
  /** Aborted: the attempt is given up. */
  readonly signal: AbortSignal;
}

/**
 * Posts once. No redirect is followed, for it would carry the body to a place that nobody configured; nothing of the answer is read
 * but its head.
 *
 * @param post address with or without user and password, headers, body
 * @param means clock, sender, and who may end it early
 * @returns how it came out, at the latest after `timeoutMs`; it never rejects
 */
export async function postOnce(post: Post, means: PostMeans): Promise<Attempt> {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const timer = means.clock.setTimer(means.clock.monotonic() + post.timeoutMs, abort);
  means.signal.addEventListener('abort', abort, { once: true });
  if (means.signal.aborted) abort();
  try {
    const { url, authorization } = splitUrl(post.url);
    const response = await means.send(url, {
      method: 'POST',
      headers: { ...post.headers, ...authorization },
      body: post.body,
      redirect: 'manual',
      signal: controller.signal,
    });
    // Whatever the receiver goes on to send, be it without end, is none of ours.
    response.body?.cancel().catch(() => {});
    return attemptOf(response, means.clock.now());
  } catch (error) {
    const gaveUp = means.signal.aborted ? 'was given up' : `gave no answer within ${post.timeoutMs / 1_000} s`;
    return { kind: 'failed', what: controller.signal.aborted ? gaveUp : `cannot be reached: ${codeOf(error)}` };
  } finally {
    timer.cancel();
    means.signal.removeEventListener('abort', abort);
  }
}

/**
 * The headers by which a receiver knows who sent a message, and that it is the same one again.
 *
 * @param secret of the rule; base64 after `whsec_`, or any text; absent: nothing is signed
 * @param id the same for each attempt at one message; without a dot
 * @param at the instant of this attempt
 * @param body exactly what is sent
 * @returns `webhook-id`, `webhook-timestamp`, and with a secret `webhook-signature`
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function webhookHeaders(secret: string | undefined, id: string, at: number, body: string): Record<string, string> {
  const timestamp = String(Math.floor(at / 1_000));
  const headers = { 'content-type': 'application/json', 'webhook-id': id, 'webhook-timestamp': timestamp };
  if (secret === undefined) return headers;
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : secret;
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { ...headers, 'webhook-signature': `v1,${signature}` };
}

/** An address that holds user and password is refused by `fetch`, and told by its error. */
function splitUrl(address: string): { readonly url: string; readonly authorization: Record<string, string> } {
  const url = new URL(address);
  const { username, password } = url;
  if (username === '' && password === '') return { url: address, authorization: {} };
  url.username = '';
  url.password = '';
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { url: url.href, authorization: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } };
}

function attemptOf(response: Answer, now: number): Attempt {
  const { status } = response;
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  if (status === 410) return { kind: 'gone', what: 'answered 410 Gone' };
  const what = `answered ${status === 0 || (status >= 300 && status < 400) ? 'with a redirect, which is not followed' : status}`;
  return { kind: 'failed', what, status, retryAfterMs: retryAfter(response.headers.get('retry-after'), now) };
}

/** Seconds, or a date. */
function retryAfter(value: string | null, now: number): DurationMs | undefined {
  if (value === null) return undefined;
  const ms = /^\d{1,9}$/.test(value.trim()) ? Number(value) * 1_000 : Date.parse(value) - now;
  return ms > 0 ? ms : undefined;
}

/** The code alone: a message may show the address. */
function codeOf(error: unknown): string {
  const cause: unknown = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? code : 'the request failed';
}

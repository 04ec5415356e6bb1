/** How much the door lets through. */
import type { DurationMs } from '../core/time.ts';

/** Bounds of the door and of the server behind it. */
export interface HttpLimits {
  /** Of one caller, or of one address without a token: a bucket that holds `burst` and is refilled at this rate. */
  readonly requestsPerSecond: number;
  readonly burst: number;
  /** Of one address: requests with a wrong token or none. */
  readonly failuresPerSecond: number;
  readonly failureBurst: number;
  /** Reads under way of one caller, event streams and long polls included. What steers is not counted, so it gets through. */
  readonly readsPerCaller: number;
  readonly bodyBytes: number;
  readonly jsonDepth: number;
  readonly targetBytes: number;
  readonly headerBytes: number;
  readonly headers: number;
  /** Open at once; a new one takes the place of the one that has been idle longest. */
  readonly connections: number;
  readonly headersTimeoutMs: DurationMs;
  /** Until a request has come in whole; the answer may take as long as it likes. */
  readonly requestTimeoutMs: DurationMs;
  readonly keepAliveTimeoutMs: DurationMs;
  /** Of a connection at work on which nothing moves, as of one who does not take the answer; longer than the longest long poll. */
  readonly silenceTimeoutMs: DurationMs;
  /** What requests in flight are given when the server closes. */
  readonly closeGraceMs: DurationMs;
}

/** Far above what the page, a few thousand listeners and a busy client ask for; far below what hurts the ticks. */
export const HTTP_LIMITS: HttpLimits = {
  requestsPerSecond: 1_000,
  burst: 3_000,
  failuresPerSecond: 1,
  failureBurst: 20,
  readsPerCaller: 2_500,
  bodyBytes: 1024 * 1024,
  jsonDepth: 100,
  targetBytes: 4_096,
  headerBytes: 16 * 1024,
  headers: 100,
  connections: 5_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 5_000,
  silenceTimeoutMs: 6 * 60_000,
  closeGraceMs: 5_000,
};

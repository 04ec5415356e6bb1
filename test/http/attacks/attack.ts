/** What an attack is: one case of a table, with what is sent and what must come of it. */
import type { Answer, RequestText } from '../wire.ts';

/** Tokens that attackers may have: everything that an attack tries is refused to them all the same. */
export type Hand = 'nobody' | 'reader' | 'runner' | 'admin';

export interface Attack {
  readonly name: string;
  /** A request, or bytes as they are. */
  readonly send: RequestText | ((port: number, token: string) => string | Buffer);
  /** Whose token goes with a request that says nothing of `Authorization`; the strongest unless given. */
  readonly as?: Hand;
  /** The statuses that are right; 0 is to be hung up on. */
  readonly expect: number | readonly number[];
  /** What else must be true of the answer. */
  readonly and?: (answer: Answer) => void;
}

/** A job that runs when somebody gets through. */
export const VICTIM = 'victim';

/** A request that would start a run of the victim, but for what the attack makes of it. */
export function submit(own: RequestText = {}): RequestText {
  const headers = { 'Content-Type': 'application/json', ...own.headers };
  return { method: 'POST', target: `/v1/jobs/${VICTIM}/runs`, body: '{}', ...own, headers };
}

/** The same with another body. */
export function submitBody(body: string | Buffer, headers: RequestText['headers'] = {}): RequestText {
  return submit({ body, headers });
}

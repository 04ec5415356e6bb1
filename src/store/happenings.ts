/** What happens in a turn, as messages are made of it. */
import type { Decision } from '../core/gate.ts';
import type { JobName } from '../core/job.ts';
import type { Happening } from '../core/message.ts';
import type { Instant } from '../core/time.ts';

type Missed = Extract<Happening, { readonly kind: 'missed' }>;

/**
 * The ticks that a claim found missed: one happening for each reason, for the gate lets those of one reason follow each other.
 *
 * @param job its name
 * @param decisions of one claim, in order
 * @param at the instant of the turn
 * @returns none, mostly; `from` and `to` are the first and the last tick, or the bounds of a range that was not listed
 */
export function missedIn(job: JobName, decisions: readonly Decision[], at: Instant): readonly Missed[] {
  let found: Missed[] | undefined;
  for (const made of decisions) {
    const missed = missedBy(job, made, at);
    if (missed === undefined) continue;
    const last = found?.at(-1);
    if (found === undefined) found = [missed];
    else if (last?.reason === missed.reason) found[found.length - 1] = join(last, missed);
    else found.push(missed);
  }
  return found ?? NONE;
}

const NONE: readonly Missed[] = [];

function missedBy(job: JobName, made: Decision, at: Instant): Missed | undefined {
  if (made.kind === 'miss') return { kind: 'missed', job, reason: made.reason, from: made.tick, to: made.tick, count: 1, at };
  if (made.kind !== 'range' || made.outcome !== 'missed') return undefined;
  return { kind: 'missed', job, reason: made.reason, ...made.range, count: undefined, at };
}

function join(first: Missed, second: Missed): Missed {
  const count = first.count === undefined || second.count === undefined ? undefined : first.count + second.count;
  return { ...first, from: Math.min(first.from, second.from), to: Math.max(first.to, second.to), count };
}

/**
 * Messages to people: what happened is turned into messages inside the transaction that writes it down, so that none is lost
 * however the daemon ends. They wait in the store until their receiver has taken them.
 */
import type { EndWrite } from './store.ts';
import type { JobName } from './job.ts';
import type { RunOutcome } from './run.ts';
import type { MissReason } from './tick.ts';
import type { DurationMs, Instant } from './time.ts';

/** What a rule of `notify` may ask to be told of. */
export const NOTIFY_EVENTS: readonly ['failed', 'killed', 'timedOut', 'blocked', 'missed', 'overdue', 'recovered', 'lost'] = [
  'failed',
  'killed',
  'timedOut',
  'blocked',
  'missed',
  'overdue',
  'recovered',
  'lost',
] as const;
export type NotifyEvent = (typeof NOTIFY_EVENTS)[number];

/** A message that shall be kept until it is delivered. */
export interface MessageDraft {
  readonly job: JobName;
  readonly event: NotifyEvent;
  /** Names the receiver without telling its address, which may hold a secret: a hash of the rule's webhook or command. */
  readonly target: string;
  /** JSON text; what the receiver gets. */
  readonly body: string;
}

/** A message that waits for its receiver. */
export interface Message extends MessageDraft {
  /** Grows with each message. */
  readonly id: number;
  readonly createdAt: Instant;
  /** Deliveries that failed. */
  readonly attempts: number;
  readonly nextAttemptAt: Instant;
}

/** What happened, as a transaction knows it. */
export type Happening =
  | {
      readonly kind: 'ended';
      readonly end: EndWrite;
      /** How the job's last run before this one ended that was not cancelled: that says nothing of how the job does. */
      readonly previous: RunOutcome | undefined;
    }
  | {
      readonly kind: 'missed';
      readonly job: JobName;
      readonly reason: MissReason;
      readonly from: Instant;
      readonly to: Instant;
      /** `undefined`: too many to be counted here. */
      readonly count: number | undefined;
      readonly at: Instant;
    };

/** Makes messages of what happened: pure, quick, and never throws. */
export type PlanMessages = (happening: Happening) => readonly MessageDraft[];

/** What became of a delivery. `retry`: it failed, and is tried again then. */
export type Delivery = { readonly kind: 'sent' | 'dropped' } | { readonly kind: 'retry'; readonly at: Instant };

/** The messages that wait, in a store. */
export interface Outbox {
  /** Keeps messages of what no turn tells of. */
  enqueue(drafts: readonly MessageDraft[], at: Instant): Promise<void>;
  /** Messages whose next attempt is due at `now`, oldest first. @param limit 1 to 1,000 */
  dueMessages(now: Instant, limit: number): Promise<readonly Message[]>;
  /** @returns when the next message is due; `undefined` when none waits */
  nextMessageAt(): Promise<Instant | undefined>;
  /** Writes down what became of a delivery; an unknown id is passed over. */
  settleMessage(id: number, delivery: Delivery): Promise<void>;
}

/** How long a message may wait in vain before it is dropped. */
export const MESSAGE_LIFE_MS: DurationMs = 3 * 86_400_000;

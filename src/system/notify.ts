/**
 * Tells people: takes messages out of the store's outbox and delivers each to its receiver, at least once, whatever becomes of the
 * daemon meanwhile. The store is the only queue that counts: a message leaves it when its receiver has taken it, or when it is given
 * up, and that is said. What is in memory is a window on it.
 *
 * Each receiver has a lane of its own and gets one message at a time, in order. When it fails, its whole lane rests, so a dead
 * receiver costs one attempt a rest and not one a message. What finds no place in its lane stays in the store, and only where it
 * would stand in the way of others is it put off there. Nothing here is waited for by the engine.
 */
import type { NotifyRule } from '../core/job.ts';
import { type Message, MESSAGE_LIFE_MS } from '../core/message.ts';
import type { Timer } from '../core/ports.ts';
import type { DurationMs } from '../core/time.ts';
import { runCommand } from './notify-command.ts';
import { backoffMs, Lane, LONGEST_DELAY_MS, putOffMs } from './notify-lane.ts';
import { ofMessage, OutboxHold, STORE_DELAY_MS } from './notify-outbox.ts';
import type { NotifierParts } from './notify-parts.ts';
import { receiverName, Receivers } from './notify-receivers.ts';
import { createSend, type Send } from './notify-send.ts';
import { type Attempt, postOnce, webhookHeaders } from './notify-webhook.ts';

/** A notifier that runs. Disposing it gives attempts that are under way 2 s; what is not delivered then stays in the store. */
export interface Notifier extends AsyncDisposable {
  /** There may be new messages: looks within 100 ms. Cheap. */
  wake(): void;
}

const MOST_AT_ONCE = 32;
const WEBHOOK_TIMEOUT_MS: DurationMs = 10_000;
const WAKE_MS: DurationMs = 100;
/** Messages in memory, of all receivers together as far as there are fewer receivers, and of one. */
const MOST_HELD = 250;
const MOST_OF_ONE = 125;
/** New messages are looked for so often even if nobody says that there are any. */
const LOOK_MS: DurationMs = 30_000;
/** Failures before a restart that count: a rest of two minutes. */
const MOST_KNOWN = 7;
const FLUSH_MS: DurationMs = 2_000;

/**
 * Begins to deliver whatever waits in the outbox, that of earlier daemons first.
 *
 * @param parts see {@link NotifierParts}
 * @returns a notifier; it goes on until it is disposed
 */
export function createNotifier(parts: NotifierParts): Notifier {
  return new OutboxNotifier(parts);
}

class OutboxNotifier implements Notifier {
  readonly #parts: NotifierParts;
  readonly #receivers: Receivers;
  readonly #lanes = new Map<string, Lane>();
  /** Lanes with work that are not busy, each once. */
  #ready = new Set<Lane>();
  readonly #hold: OutboxHold;
  readonly #underWay = new Set<Promise<void>>();
  readonly #giveUp = new AbortController();
  readonly #send: Send;
  readonly #listening = new DisposableStack();
  #looking: Promise<void> | undefined;
  #timer: Timer | undefined;
  #timerAt = Infinity;
  #hasLooked = false;
  #isClosed = false;

  constructor(parts: NotifierParts) {
    this.#parts = parts;
    this.#send = parts.send ?? createSend();
    this.#receivers = new Receivers(parts.jobs);
    this.#hold = new OutboxHold(parts.outbox, parts.clock, parts.log);
    const wakeIfHeard = (): void => {
      if (!this.#receivers.isEmpty) this.wake();
    };
    if (parts.events !== undefined) {
      this.#listening.use(parts.events.on('runEnded', wakeIfHeard));
      this.#listening.use(parts.events.on('tickDecided', ({ outcome }) => void (outcome === 'missed' && wakeIfHeard())));
      this.#listening.use(parts.events.on('ticksDecided', ({ outcome }) => void (outcome === 'missed' && wakeIfHeard())));
    }
    this.#arm(0);
  }

  wake(): void {
    this.#arm(WAKE_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { clock } = this.#parts;
    this.#isClosed = true;
    this.#hold.close();
    this.#listening.dispose();
    this.#timer?.cancel();
    const timer = clock.setTimer(clock.monotonic() + FLUSH_MS, () => this.#giveUp.abort());
    await this.#looking;
    await Promise.all(this.#underWay);
    timer.cancel();
  }

  #arm(inMs: DurationMs): void {
    const { clock } = this.#parts;
    const at = clock.monotonic() + inMs;
    if (this.#isClosed || at >= this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = clock.setTimer(at, () => {
      this.#timerAt = Infinity;
      // Who looks already looks again when it is done.
      if (this.#looking !== undefined) this.#arm(WAKE_MS);
      else this.#looking = this.#look().finally(() => (this.#looking = undefined));
    });
  }

  async #look(): Promise<void> {
    const { clock } = this.#parts;
    try {
      for (let isMore = true; isMore && !this.#isClosed;) {
        const page = await this.#hold.take();
        isMore = false;
        for (const message of page.messages) isMore = (await this.#admit(message, page.isFull)) || isMore;
        isMore &&= page.isFull;
      }
      this.#pump();
      this.#hasLooked = true;
      const next = (await this.#hold.nextAt()) ?? Infinity;
      const now = clock.now();
      // What is due already is in memory, or waits for a place there: whoever makes room looks again.
      const instants = [next, ...[...this.#ready].map(({ restsUntil }) => restsUntil)].filter((at) => at > now);
      this.#arm(Math.min(LOOK_MS, ...instants.map((at) => at - now)));
      this.#hold.storeWorks();
    } catch (error) {
      this.#hold.storeFails(error);
      this.#arm(STORE_DELAY_MS);
    }
  }

  /**
   * What finds no place in memory is left where it is; it is due again at the next look. Only if that would keep those behind it from
   * being seen is it put off, for each putting off is a write.
   *
   * @returns whether it will not be seen again at once
   */
  async #admit(message: Message, isPageFull: boolean): Promise<boolean> {
    const { clock, notes, log, random = Math.random } = this.#parts;
    if (this.#isClosed) return false;
    if (message.target === notes?.target) await notes.take(message);
    else if (this.#receivers.find(message) === undefined) {
      log.warn('a message is dropped: no rule names its receiver any more', ofMessage(message));
      await this.#hold.settle(message, { kind: 'dropped' });
    } else if (message.createdAt + MESSAGE_LIFE_MS < clock.now()) await this.#hold.dropOld(message, 'its receiver took none');
    else {
      const lane = this.#laneOf(message);
      if (lane.size >= Math.max(1, Math.min(MOST_OF_ONE, Math.floor(MOST_HELD / this.#lanes.size)))) {
        if (!isPageFull || lane.isQuick) return false;
        await this.#hold.putOff(message, clock.now() + putOffMs(message.attempts, random()), 'its receiver takes none');
        return true;
      }
      this.#hold.hold(message);
      lane.admit(message);
      if (!lane.isBusy) this.#ready.add(lane);
    }
    return true;
  }

  /** A receiver that was dead before the restart is not asked each second again: all that waits for it would be put off each time. */
  #laneOf({ target, attempts }: Message): Lane {
    let lane = this.#lanes.get(target);
    if (lane === undefined)
      this.#lanes.set(target, (lane = new Lane(target, this.#hasLooked ? 0 : Math.min(attempts, MOST_KNOWN))));
    return lane;
  }

  #pump(): void {
    const now = this.#parts.clock.now();
    for (const lane of this.#ready) {
      if (this.#underWay.size >= MOST_AT_ONCE || this.#isClosed) return;
      // It is looked at again when its rest is over.
      if (lane.restsUntil > now) continue;
      this.#ready.delete(lane);
      const message = lane.next();
      if (message === undefined) continue;
      lane.isBusy = true;
      const delivery = this.#deliver(lane, message).finally(() => {
        this.#underWay.delete(delivery);
        lane.isBusy = false;
        if (lane.size > 0) this.#ready.add(lane);
        else {
          if (lane.isForgettable) this.#lanes.delete(lane.target);
          // What was left in the store may have its place now.
          this.#arm(WAKE_MS);
        }
        this.#pump();
      });
      this.#underWay.add(delivery);
    }
  }

  async #deliver(lane: Lane, message: Message): Promise<void> {
    const { clock, log } = this.#parts;
    const rule = this.#receivers.find(message);
    if (rule === undefined) return this.#hold.settle(message, { kind: 'dropped' });
    const startedAt = clock.monotonic();
    const attempt = await this.#attempt(rule, message);
    const fields = { ...ofMessage(message), receiver: receiverName(rule) };
    switch (attempt.kind) {
      case 'delivered':
        if (lane.failures > 0) log.info('a receiver takes messages again', fields);
        log.debug('message delivered', fields);
        lane.delivered(clock.monotonic() - startedAt);
        return this.#hold.settle(message, { kind: 'sent' });
      case 'gone':
        log.error('a message is dropped: its receiver wants none', { ...fields, what: attempt.what });
        return this.#hold.settle(message, { kind: 'dropped' });
      case 'failed':
        // A daemon that goes gives the attempt up; it counts for nothing.
        if (this.#giveUp.signal.aborted) return;
        return this.#rest(lane, message, attempt, fields);
      default:
        return attempt satisfies never;
    }
  }

  #attempt(rule: NotifyRule, message: Message): Promise<Attempt> {
    const { clock, env, runCommand: run = runCommand } = this.#parts;
    const { signal } = this.#giveUp;
    if (rule.webhook === undefined)
      return rule.command === undefined ? NOBODY : run(rule.command, message, { clock, env, signal });
    // Ids begin anew with a new ledger; with the instant beside it a receiver that remembers ids takes no new message for an old one.
    const headers = webhookHeaders(rule.secret, `tickwise-${message.createdAt}-${message.id}`, clock.now(), message.body);
    return postOnce(
      { url: rule.webhook, headers, body: message.body, timeoutMs: WEBHOOK_TIMEOUT_MS },
      { clock, send: this.#send, signal },
    );
  }

  async #rest(
    lane: Lane,
    message: Message,
    { what, retryAfterMs = 0 }: Extract<Attempt, { readonly kind: 'failed' }>,
    fields: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const { clock, log, random = Math.random } = this.#parts;
    const asked = Math.min(retryAfterMs, LONGEST_DELAY_MS);
    const until = clock.now() + Math.max(asked, backoffMs(lane.failures + 1, random()));
    lane.failed(until);
    const level = lane.failures === 1 ? 'warn' : 'debug';
    log[level]('a message could not be delivered', {
      ...fields,
      what,
      failures: lane.failures,
      next: new Date(until).toISOString(),
    });
    const own = clock.now() + backoffMs(message.attempts + 1, random());
    await this.#hold.putOff(message, Math.max(until, own), what);
    for (const old of lane.takeOld(clock.now() - MESSAGE_LIFE_MS)) await this.#hold.dropOld(old, what);
    this.#arm(until - clock.now());
  }
}

const NOBODY: Promise<Attempt> = Promise.resolve({ kind: 'gone', what: 'its rule names neither webhook nor command' });

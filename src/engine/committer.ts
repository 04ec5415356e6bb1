/**
 * Brings turns to the store, one at a time. What is asked for while a commit is under way goes into the next turn, so that
 * all starts and ends of one turn share one commit. A turn that the store refuses is put back and tried again: an end is
 * written late rather than never, and nothing starts meanwhile.
 *
 * A commit may also fail so that nobody knows whether it took effect. Such a turn is neither true nor to be put back: put back, its
 * ends would be refused the second time and its grants belong to nobody. It stays in doubt, and nothing else is written, until
 * the store can tell. A scheduler that stops meanwhile leaves it so; the next start finds in the ledger what became of it.
 */
import { type ErrorRecord, errorRecord, TickwiseError } from '../core/errors.ts';
import type { Clock, Timer } from '../core/ports.ts';
import type { Store, Turn, TurnResult } from '../core/store.ts';
import type { DurationMs, MonotonicMs } from '../core/time.ts';
import type { Events } from './events.ts';

/** Time between attempts while the store fails. */
const RETRY_EACH_MS: DurationMs = 1_000;

/** The store fails. */
export interface StoreOutage {
  readonly since: MonotonicMs;
  /** What it said first. */
  readonly error: ErrorRecord;
}

/** Where turns come from and what becomes of them. All calls are synchronous and never throw. */
export interface TurnSource {
  /** @returns what is to be written now; `undefined` when there is nothing */
  build(): Turn | undefined;
  /** The turn is true and durable. */
  apply(turn: Turn, result: TurnResult): void;
  /** Nothing of the turn was applied; it shall be part of a later one. */
  restore(turn: Turn): void;
}

/** The one writer. */
export class Committer {
  readonly #store: Pick<Store, 'commit' | 'settle'>;
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #source: TurnSource;
  #state: 'idle' | 'asked' | 'committing' | 'failing' | 'closed' = 'idle';
  #outage: StoreOutage | undefined;
  /** There has been something to write since then. */
  #askedAt: MonotonicMs | undefined;
  /** A turn of which nobody knows whether it was applied. */
  #inDoubt: Turn | undefined;
  #retry: Timer | undefined;
  readonly #onFailing: () => void;
  #whenChanged: (() => void)[] = [];

  /** @param onFailing called when the store begins to fail */
  constructor(store: Pick<Store, 'commit' | 'settle'>, clock: Clock, events: Events, source: TurnSource, onFailing: () => void) {
    this.#store = store;
    this.#clock = clock;
    this.#events = events;
    this.#source = source;
    this.#onFailing = onFailing;
  }

  /** The store has refused the last turn. */
  get isFailing(): boolean {
    return this.#outage !== undefined;
  }

  /** @returns `undefined` while the store works */
  get outage(): StoreOutage | undefined {
    return this.#outage;
  }

  /** A turn is with the store, or in doubt. */
  get isCommitting(): boolean {
    return this.#state === 'committing' || this.#inDoubt !== undefined;
  }

  /** Nothing more is written. */
  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** There is something to write: it will be, in the next turn of the event loop. */
  ask(): void {
    if (this.#askedAt === undefined && this.#events.isHeard('storeCommitted')) this.#askedAt = this.#clock.monotonic();
    if (this.#state !== 'idle') return;
    this.#state = 'asked';
    this.#clock.defer(() => {
      if (this.#state === 'asked') this.#commit();
    });
  }

  /** Writes now, if no commit is under way; for ticks, which have no time to lose. */
  askNow(): void {
    if (this.#state === 'idle' || this.#state === 'asked') this.#commit();
  }

  /** Resolves when nothing is left to write, or the store has refused it. */
  async waitIdle(): Promise<void> {
    this.ask();
    while (this.#state === 'asked' || this.#state === 'committing') await this.#waitChange();
  }

  /** Brings what waits to the store, and resolves with its answer. @throws TickwiseError `STORE_UNUSABLE` when that is a refusal */
  async commitNow(): Promise<void> {
    this.askNow();
    while (this.#state === 'committing') await this.#waitChange();
    if (this.isFailing)
      throw new TickwiseError('STORE_UNUSABLE', 'the store fails, so nothing is changed; try again when it works');
  }

  #waitChange(): Promise<void> {
    return new Promise((resolve) => this.#whenChanged.push(resolve));
  }

  /** Writes nothing more. Who waits in a turn that is in doubt is answered as if it had not been applied. */
  close(): void {
    this.#state = 'closed';
    this.#retry?.cancel();
    if (this.#inDoubt !== undefined) this.#source.restore(this.#inDoubt);
    this.#inDoubt = undefined;
    this.#wakeWaiters();
  }

  #commit(): void {
    const turn = this.#source.build();
    if (turn === undefined) {
      this.#recovered();
      this.#askedAt = undefined;
      this.#state = 'idle';
      this.#wakeWaiters();
      return;
    }
    this.#state = 'committing';
    const begunAt = this.#events.isHeard('storeCommitted') ? this.#clock.monotonic() : undefined;
    const askedAt = this.#askedAt;
    this.#askedAt = undefined;
    this.#bring(
      turn,
      () => this.#store.commit(turn),
      (result) => {
        if (begunAt !== undefined) this.#tellTime(begunAt, askedAt ?? begunAt);
        this.#done(turn, result);
      },
    );
  }

  #settle(turn: Turn): void {
    this.#state = 'committing';
    this.#bring(
      turn,
      () => this.#store.settle?.(turn),
      (result) => this.#settled(turn, result),
    );
  }

  #bring<Answer>(turn: Turn, ask: () => Answer | Promise<Answer>, then: (answer: Answer) => void): void {
    let answer: Answer | Promise<Answer>;
    try {
      answer = ask();
    } catch (error) {
      this.#failed(turn, error);
      return;
    }
    if (answer instanceof Promise) answer.then(then, (error: unknown) => this.#failed(turn, error));
    else then(answer);
  }

  #done(turn: Turn, result: TurnResult): void {
    this.#recovered();
    if (this.#state !== 'closed') this.#state = 'idle';
    this.#source.apply(turn, result);
    this.#wakeWaiters();
    // Whatever the turn brought about waits for the next turn of the loop, so that commits never starve it.
    this.ask();
  }

  /** The store can tell again; the next turn is built as after any failure. */
  #settled(turn: Turn, result: TurnResult | undefined): void {
    this.#inDoubt = undefined;
    if (result === undefined) this.#source.restore(turn);
    else this.#source.apply(turn, result);
    if (this.#state !== 'closed') this.#commit();
  }

  #tellTime(begunAt: MonotonicMs, askedAt: MonotonicMs): void {
    this.#events.emit('storeCommitted', { forMs: this.#clock.monotonic() - begunAt, waitedMs: begunAt - askedAt });
  }

  #recovered(): void {
    if (this.#outage === undefined) return;
    const afterMs = this.#clock.monotonic() - this.#outage.since;
    this.#outage = undefined;
    this.#events.emit('storeRecovered', { afterMs });
  }

  #failed(turn: Turn, error: unknown): void {
    // Anything else is a bug, here or in the store: it ends the process, and the next start recovers.
    if (!(error instanceof TickwiseError)) throw error;
    if (this.#state === 'closed' || !(this.#inDoubt === turn || error.facts['inDoubt'] === true)) this.#source.restore(turn);
    else this.#inDoubt = turn;
    if (this.#outage === undefined) {
      this.#outage = { since: this.#clock.monotonic(), error: errorRecord(error) };
      this.#events.emit('storeFailed', { error: this.#outage.error });
      this.#onFailing();
    }
    if (this.#state === 'closed') return;
    this.#state = 'failing';
    this.#wakeWaiters();
    this.#retry = this.#clock.setTimer(this.#clock.monotonic() + RETRY_EACH_MS, () => this.#retryNow());
  }

  #retryNow(): void {
    if (this.#inDoubt === undefined) this.#commit();
    else this.#settle(this.#inDoubt);
  }

  #wakeWaiters(): void {
    if (this.#whenChanged.length === 0) return;
    const waiters = this.#whenChanged;
    this.#whenChanged = [];
    for (const wake of waiters) wake();
  }
}

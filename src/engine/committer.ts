/**
 * Brings turns to the store, one at a time. What is asked for while a commit is under way goes into the next turn, so that
 * all starts and ends of one turn share one commit. A turn that the store refuses is put back and tried again: an end is
 * written late rather than never, and nothing starts meanwhile.
 */
import { errorRecord, TickwiseError } from '../core/errors.ts';
import type { Clock, Store, Timer, Turn, TurnResult } from '../core/ports.ts';
import type { DurationMs, MonotonicMs } from '../core/time.ts';
import type { Events } from './events.ts';

/** Time between attempts while the store fails. */
const RETRY_EACH_MS: DurationMs = 1_000;

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
  readonly #store: Pick<Store, 'commit'>;
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #source: TurnSource;
  #state: 'idle' | 'asked' | 'committing' | 'failing' | 'closed' = 'idle';
  #failingSince: MonotonicMs | undefined;
  #retry: Timer | undefined;
  readonly #onFailing: () => void;
  #whenChanged: (() => void)[] = [];

  /** @param onFailing called when the store begins to fail */
  constructor(store: Pick<Store, 'commit'>, clock: Clock, events: Events, source: TurnSource, onFailing: () => void) {
    this.#store = store;
    this.#clock = clock;
    this.#events = events;
    this.#source = source;
    this.#onFailing = onFailing;
  }

  /** The store has refused the last turn. */
  get isFailing(): boolean {
    return this.#failingSince !== undefined;
  }

  /** A turn is with the store. */
  get isCommitting(): boolean {
    return this.#state === 'committing';
  }

  /** Nothing more is written. */
  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** There is something to write: it will be, in the next turn of the event loop. */
  ask(): void {
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

  /** Writes nothing more. */
  close(): void {
    this.#state = 'closed';
    this.#retry?.cancel();
    this.#wakeWaiters();
  }

  #commit(): void {
    const turn = this.#source.build();
    if (turn === undefined) {
      this.#state = 'idle';
      this.#wakeWaiters();
      return;
    }
    this.#state = 'committing';
    let result: TurnResult | Promise<TurnResult>;
    try {
      result = this.#store.commit(turn);
    } catch (error) {
      this.#failed(turn, error);
      return;
    }
    if (result instanceof Promise) {
      result.then(
        (resolved) => this.#done(turn, resolved),
        (error: unknown) => this.#failed(turn, error),
      );
    } else {
      this.#done(turn, result);
    }
  }

  #done(turn: Turn, result: TurnResult): void {
    if (this.#failingSince !== undefined) {
      const afterMs = this.#clock.monotonic() - this.#failingSince;
      this.#failingSince = undefined;
      this.#events.emit('storeRecovered', { afterMs });
    }
    if (this.#state !== 'closed') this.#state = 'idle';
    this.#source.apply(turn, result);
    this.#wakeWaiters();
    // Whatever the turn brought about waits for the next turn of the loop, so that commits never starve it.
    this.ask();
  }

  #failed(turn: Turn, error: unknown): void {
    // Anything else is a bug, here or in the store: it ends the process, and the next start recovers.
    if (!(error instanceof TickwiseError)) throw error;
    this.#source.restore(turn);
    if (this.#failingSince === undefined) {
      this.#failingSince = this.#clock.monotonic();
      this.#events.emit('storeFailed', { error: errorRecord(error) });
      this.#onFailing();
    }
    if (this.#state === 'closed') return;
    this.#state = 'failing';
    this.#wakeWaiters();
    this.#retry = this.#clock.setTimer(this.#clock.monotonic() + RETRY_EACH_MS, () => this.#commit());
  }

  #wakeWaiters(): void {
    if (this.#whenChanged.length === 0) return;
    const waiters = this.#whenChanged;
    this.#whenChanged = [];
    for (const wake of waiters) wake();
  }
}

/** A queue of those who wait: first come, first served, and whoever gives up is out of it at once. */
import type { Within } from '../core/context.ts';
import { onAbort } from './on-abort.ts';

interface Place<Value, Brought> {
  readonly brought: Brought;
  readonly resolve: (value: Value) => void;
  readonly leave: () => void;
  before: Place<Value, Brought> | undefined;
  after: Place<Value, Brought> | undefined;
}

/**
 * A linked list, so that leaving from the middle costs no more than leaving from the front. No bound of its own: each place is a
 * caller that waits.
 */
export class WaitingLine<Value, Brought = undefined> {
  #first: Place<Value, Brought> | undefined;
  #last: Place<Value, Brought> | undefined;
  #length = 0;

  /** How many wait. */
  get length(): number {
    return this.#length;
  }

  /**
   * Takes the last place.
   *
   * @param within whoever gives up leaves the line before anybody else is told anything
   * @param brought what whoever serves is handed
   * @returns what `serve` gives
   * @throws rejects with the signal's reason
   */
  wait(within: Within | undefined, brought: Brought): Promise<Value> {
    const signal = within?.signal;
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const unlisten =
        signal === undefined
          ? undefined
          : onAbort(signal, () => {
              this.#remove(place);
              reject(signal.reason as Error);
            });
      const leave = (): void => {
        this.#remove(place);
        unlisten?.();
      };
      const place: Place<Value, Brought> = { brought, resolve, leave, before: this.#last, after: undefined };
      if (this.#last === undefined) this.#first = place;
      else this.#last.after = place;
      this.#last = place;
      this.#length++;
    });
  }

  /** Serves whoever has waited longest. @returns what they brought; `undefined` when nobody waits */
  serve(value: Value): { readonly brought: Brought } | undefined {
    const place = this.#first;
    if (place === undefined) return undefined;
    place.leave();
    place.resolve(value);
    return place;
  }

  #remove(place: Place<Value, Brought>): void {
    if (place.before === undefined) this.#first = place.after;
    else place.before.after = place.after;
    if (place.after === undefined) this.#last = place.before;
    else place.after.before = place.before;
    this.#length--;
  }
}

/** What `select` chooses from. */

/** A value that was taken, or the news that there will be none any more. */
export type Taken<Value> = { readonly done: false; readonly value: Value } | { readonly done: true };

/**
 * A source of values. Looking and taking are two things: whoever watches a source without taking from it leaves it as it was, so
 * nothing that `select` does not choose is lost.
 */
export interface Source<Value> {
  /** Takes a value if there is one now; never waits. @throws what the source failed with */
  tryTake(): Taken<Value> | undefined;
  /**
   * Calls `wake` when there may be something to take, at once if there is already; more than once is harmless. Disposing of what
   * it returns ends the watching.
   */
  watch(wake: () => void): Disposable;
}

/** The type of what a source gives. */
export type ValueOf<Origin> = Origin extends Source<infer Value> ? Value : never;

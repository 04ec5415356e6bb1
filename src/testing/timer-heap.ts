/** The timers of a virtual clock, earliest first; equal ones in the order in which they were set. */
import type { Timer } from '../core/ports.ts';
import type { MonotonicMs } from '../core/time.ts';

/** A timer that is set. */
export interface SetTimer extends Timer {
  readonly at: MonotonicMs;
  readonly callback: () => void;
}

/** A binary heap with cancelling. */
export class TimerHeap {
  readonly #entries: Entry[] = [];
  #added = 0;

  get size(): number {
    return this.#entries.length;
  }

  /** @returns the timer; its `cancel` takes it out, and is harmless afterwards */
  add(at: MonotonicMs, callback: () => void): SetTimer {
    const entry = new Entry(this, at, this.#added++, callback);
    this.#move(entry, this.#entries.length);
    this.#up(entry);
    return entry;
  }

  peek(): SetTimer | undefined {
    return this.#entries[0];
  }

  /** Takes a timer out; one that is out stays out. */
  remove(timer: SetTimer): void {
    const entry = timer as Entry;
    if (entry.index === -1) return;
    const last = this.#entries.pop() as Entry;
    if (last !== entry) {
      this.#move(last, entry.index);
      this.#up(last);
      this.#down(last);
    }
    entry.index = -1;
  }

  #up(entry: Entry): void {
    while (entry.index > 0) {
      const parent = this.#entries[(entry.index - 1) >> 1] as Entry;
      if (!entry.isBefore(parent)) return;
      this.#swap(entry, parent);
    }
  }

  #down(entry: Entry): void {
    for (;;) {
      const left = this.#entries[2 * entry.index + 1];
      const right = this.#entries[2 * entry.index + 2];
      const child = right !== undefined && left !== undefined && right.isBefore(left) ? right : left;
      if (child === undefined || !child.isBefore(entry)) return;
      this.#swap(child, entry);
    }
  }

  #swap(a: Entry, b: Entry): void {
    const { index } = a;
    this.#move(a, b.index);
    this.#move(b, index);
  }

  #move(entry: Entry, index: number): void {
    this.#entries[index] = entry;
    entry.index = index;
  }
}

class Entry implements SetTimer {
  readonly at: MonotonicMs;
  readonly callback: () => void;
  readonly order: number;
  readonly heap: TimerHeap;
  index = -1;

  constructor(heap: TimerHeap, at: MonotonicMs, order: number, callback: () => void) {
    this.heap = heap;
    this.at = at;
    this.order = order;
    this.callback = callback;
  }

  isBefore(other: Entry): boolean {
    return this.at < other.at || (this.at === other.at && this.order < other.order);
  }

  cancel(): void {
    this.heap.remove(this);
  }
}

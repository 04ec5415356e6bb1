/** The jobs by their next tick: a binary heap, so that the scheduler needs one timer however many jobs there are. */
import type { Instant } from '../core/time.ts';

/** What the heap keeps in order. `dueIndex` is the heap's own mark on its entries; −1 while outside. */
export interface DueEntry {
  nextTickAt: Instant | undefined;
  dueIndex: number;
}

/** Earliest first. Every operation costs at most log₂(n) moves. */
export class DueHeap<Entry extends DueEntry> {
  readonly #entries: Entry[] = [];

  get size(): number {
    return this.#entries.length;
  }

  /** @returns the entry that is due first, left in place */
  peek(): Entry | undefined {
    return this.#entries[0];
  }

  /** Puts an entry where its `nextTickAt` belongs, whether it was in the heap or not; one without a tick is taken out. */
  place(entry: Entry): void {
    if (entry.nextTickAt === undefined) {
      this.remove(entry);
      return;
    }
    if (entry.dueIndex === -1) {
      entry.dueIndex = this.#entries.length;
      this.#entries.push(entry);
    }
    this.#up(entry.dueIndex);
    this.#down(entry.dueIndex);
  }

  /** Takes an entry out; one that is not in the heap stays out. */
  remove(entry: Entry): void {
    const index = entry.dueIndex;
    if (index === -1) return;
    const last = this.#entries.pop() as Entry;
    entry.dueIndex = -1;
    if (last === entry) return;
    this.#entries[index] = last;
    last.dueIndex = index;
    this.#up(index);
    this.#down(last.dueIndex);
  }

  #up(from: number): void {
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#isBefore(index, parent)) return;
      this.#swap(index, parent);
      index = parent;
    }
  }

  #down(from: number): void {
    let index = from;
    for (;;) {
      const left = 2 * index + 1;
      if (left >= this.#entries.length) return;
      const right = left + 1;
      const child = right < this.#entries.length && this.#isBefore(right, left) ? right : left;
      if (!this.#isBefore(child, index)) return;
      this.#swap(index, child);
      index = child;
    }
  }

  #isBefore(a: number, b: number): boolean {
    return (this.#entries[a]?.nextTickAt ?? Infinity) < (this.#entries[b]?.nextTickAt ?? Infinity);
  }

  #swap(a: number, b: number): void {
    const first = this.#entries[a] as Entry;
    const second = this.#entries[b] as Entry;
    this.#entries[a] = second;
    this.#entries[b] = first;
    second.dueIndex = a;
    first.dueIndex = b;
  }
}

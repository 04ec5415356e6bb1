import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DueEntry, DueHeap } from '../../src/engine/due-heap.ts';

const operation = fc.record({ entry: fc.nat(15), at: fc.option(fc.nat(100), { nil: undefined }), removed: fc.boolean() });

test('holds its entries as a sorted list would, whatever is placed, moved and removed', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
      const heap = new DueHeap<DueEntry>();
      const entries: DueEntry[] = Array.from({ length: 16 }, () => ({ nextTickAt: undefined, dueIndex: -1 }));
      const inside = new Map<DueEntry, number>();
      for (const { entry: index, at, removed } of operations) {
        const entry = entries[index] as DueEntry;
        if (removed) {
          heap.remove(entry);
          inside.delete(entry);
        } else {
          entry.nextTickAt = at;
          heap.place(entry);
          if (at === undefined) inside.delete(entry);
          else inside.set(entry, at);
        }
        expect(heap.size).toBe(inside.size);
        expect(heap.peek()?.nextTickAt).toBe(inside.size === 0 ? undefined : Math.min(...inside.values()));
      }
      const drained: number[] = [];
      for (let first = heap.peek(); first !== undefined; first = heap.peek()) {
        drained.push(first.nextTickAt as number);
        heap.remove(first);
        expect(first.dueIndex).toBe(-1);
      }
      expect(drained).toEqual([...inside.values()].toSorted((a, b) => a - b));
    }),
  );
});

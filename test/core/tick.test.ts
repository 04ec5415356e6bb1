import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digitsOf, hashOf, runIdOf, runIdOfTrigger } from '../../src/core/tick.ts';

const ID = /^[0-9a-z]{9}-[0-9a-z]{14}$/;
const instant = fc.integer({ min: 0, max: Date.UTC(5188, 0, 1) });
const job = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,20}$/);

/** Ids and jitter stand in ledgers and must be the same for ever; these values may not change. */
describe('for ever the same', () => {
  test.each([
    ['', 307_820_951, 2_395_990_812],
    ['a', 3_891_295_379, 3_732_228_244],
    ['backup', 26_228_281, 3_649_046_400],
    ['nightly-report', 1_605_286_278, 4_147_319_128],
    ['backup@1767225600000', 201_647_759, 2_406_181_031],
  ])('is the hash of "%s"', (text, high, low) => {
    expect(hashOf(text)).toEqual({ high, low });
  });

  test.each([
    ['backup', 1_767_225_600_000, '0mjuohs00-00fm5vd1ocjq80'],
    ['a', 0, '000000000-1scryqb1pq2lqs'],
    ['nightly-report', Date.UTC(5188, 0, 1), 'zzvjay2o0-0qjquti1wl7fx4'],
  ])('is the id of %s at %d', (name, tick, id) => {
    expect(runIdOf(name, tick)).toBe(id);
  });
});

describe('the id of a run', () => {
  test('has one form, whoever asked for it', () => {
    fc.assert(
      fc.property(job, instant, fraction(), fc.nat(), (name, at, share, sequence) => {
        expect(runIdOf(name, at)).toMatch(ID);
        expect(runIdOfTrigger(at, digitsOf(share), sequence)).toMatch(ID);
      }),
    );
  });

  test('sorts by time', () => {
    fc.assert(
      fc.property(job, job, instant, instant, (one, other, early, late) => {
        fc.pre(early < late);
        expect(runIdOf(one, early) < runIdOf(other, late)).toBe(true);
      }),
    );
  });

  test('differs for each job and tick', () => {
    const ids = new Set<string>();
    for (let name = 0; name < 300; name++) for (let tick = 0; tick < 100; tick++) ids.add(runIdOf(`job-${name}`, tick * 1_000));
    expect(ids.size).toBe(30_000);
  });
});

test('the hash spreads consecutive ticks evenly', () => {
  const buckets = Array.from({ length: 10 }, () => 0);
  for (let tick = 0; tick < 10_000; tick++) {
    const at = hashOf(`job@${1_767_225_600_000 + tick * 60_000}`).low % 10;
    buckets[at] = (buckets[at] ?? 0) + 1;
  }
  for (const count of buckets) expect(Math.abs(count - 1_000)).toBeLessThan(150);
});

function fraction(): fc.Arbitrary<number> {
  return fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
}

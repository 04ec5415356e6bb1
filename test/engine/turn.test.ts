import { expect, test } from 'vitest';
import type { Clock } from '../../src/core/ports.ts';
import { LONGEST_TURN_MS, SharedTurn } from '../../src/engine/turn.ts';

/** A clock whose time is moved, and whose turns are ended, by hand. */
function setup() {
  let now = 0;
  let deferred: (() => void)[] = [];
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    setTimer: () => ({ cancel() {} }),
    defer: (callback) => void deferred.push(callback),
  };
  return {
    turn: new SharedTurn(clock),
    pass: (ms: number): number => (now += ms),
    endTurn: async (): Promise<number> => {
      const callbacks = deferred;
      deferred = [];
      for (const callback of callbacks) callback();
      await new Promise((resolve) => setImmediate(resolve));
      return callbacks.length;
    },
  };
}

test('is spent after 5 ms, whoever used them', () => {
  const { turn, pass } = setup();
  expect(turn.isSpent(pass(0))).toBe(false);
  expect(turn.isSpent(pass(LONGEST_TURN_MS - 1))).toBe(false);
  expect(turn.isSpent(pass(1))).toBe(true);
});

test('begins anew with the next turn of the event loop', async () => {
  const { turn, pass, endTurn } = setup();
  turn.isSpent(pass(0));
  pass(LONGEST_TURN_MS);
  await endTurn();
  expect(turn.isSpent(pass(0))).toBe(false);
});

test('is not taken for spent by a loop that waited for something else meanwhile', async () => {
  const { turn, pass, endTurn } = setup();
  turn.isSpent(pass(0));
  await endTurn();
  expect(turn.isSpent(pass(1_000))).toBe(false);
});

test('lets all who gave way go on in the next turn, with one entry into the queue of the event loop', async () => {
  const { turn, endTurn } = setup();
  const woken: string[] = [];
  for (const name of ['a', 'b', 'c']) void turn.giveWay().then(() => woken.push(name));
  expect(await endTurn()).toBe(1);
  expect(woken.toSorted()).toEqual(['a', 'b', 'c']);
});

test('lets another be first each time, for the first may use up the turn', async () => {
  const { turn, endTurn } = setup();
  const first: string[] = [];
  for (let round = 0; round < 3; round++) {
    const woken: string[] = [];
    for (const name of ['a', 'b', 'c']) void turn.giveWay().then(() => woken.push(name));
    await endTurn();
    first.push(woken[0] ?? '');
  }
  expect(new Set(first)).toEqual(new Set(['a', 'b', 'c']));
});

test('tells once that it is over', async () => {
  const { turn, endTurn } = setup();
  let told = 0;
  turn.afterThisTurn({ turnEnded: () => void told++ });
  await endTurn();
  await endTurn();
  expect(told).toBe(1);
});

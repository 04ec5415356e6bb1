import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  describeStop,
  judge,
  type LastStep,
  LIVE_STATES,
  RUN_OUTCOMES,
  type RunState,
  type StopReason,
  TRANSITIONS,
  transition,
} from '../../src/core/run.ts';

const STATES: readonly RunState[] = [...LIVE_STATES, ...RUN_OUTCOMES];
const STOPS: readonly StopReason[] = [
  { kind: 'budget' },
  { kind: 'stepTimeout', limitMs: 500 },
  { kind: 'cancel', by: 'overlap' },
  { kind: 'shutdown' },
];
const ENDED_ALONE: readonly LastStep[] = ['done', 'more', 'threw'];
const LAST_STEPS: readonly LastStep[] = [...ENDED_ALONE, 'forced'];

describe('the state of a run', () => {
  test('never leaves an outcome', () => {
    for (const outcome of RUN_OUTCOMES)
      for (const state of STATES) expect(() => transition(outcome, state)).toThrow(/no run goes from/);
  });

  test('comes to an end from wherever it is', () => {
    for (const state of LIVE_STATES)
      expect(TRANSITIONS[state].some((next) => (RUN_OUTCOMES as readonly RunState[]).includes(next))).toBe(true);
  });

  test('never goes back', () => {
    for (const [at, state] of LIVE_STATES.entries())
      for (const earlier of LIVE_STATES.slice(0, at + 1)) expect(TRANSITIONS[state]).not.toContain(earlier);
  });

  test('reaches every state from queued', () => {
    const reached = new Set<RunState>(['queued']);
    for (const state of reached) for (const next of TRANSITIONS[state]) reached.add(next);
    expect([...reached].toSorted()).toEqual([...STATES].toSorted());
  });

  test('follows the table and nothing else, however long the way', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...STATES), { maxLength: 8 }), (wishes) => {
        let state: RunState = 'queued';
        let outcomes = 0;
        for (const wish of wishes) {
          const next = attempt(state, wish);
          expect(next === undefined).toBe(!TRANSITIONS[state].includes(wish));
          if ((RUN_OUTCOMES as readonly RunState[]).includes(next ?? 'queued')) outcomes++;
          state = next ?? state;
        }
        expect(outcomes).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('the judgement of a run', () => {
  test('is a legal end of a running run if it was not asked to stop', () => {
    for (const last of ENDED_ALONE) expect(transition('running', judge(undefined, last))).toBe(judge(undefined, last));
  });

  test('is a legal end of a stopping and of a blocked run if it was', () => {
    for (const stop of STOPS) {
      for (const last of LAST_STEPS) {
        expect(transition('stopping', judge(stop, last))).toBe(judge(stop, last));
        expect(transition('blocked', judge(stop, last))).toBe(judge(stop, last));
      }
    }
  });

  test.each<[StopReason | undefined, LastStep, RunState]>([
    [undefined, 'done', 'succeeded'],
    [undefined, 'more', 'unfinished'],
    [undefined, 'threw', 'failed'],
    [{ kind: 'budget' }, 'more', 'unfinished'],
    [{ kind: 'budget' }, 'done', 'timedOut'],
    [{ kind: 'budget' }, 'threw', 'timedOut'],
    [{ kind: 'stepTimeout', limitMs: 5 }, 'more', 'timedOut'],
    [{ kind: 'cancel', by: 'eva' }, 'done', 'cancelled'],
    [{ kind: 'shutdown' }, 'more', 'cancelled'],
    [{ kind: 'shutdown' }, 'forced', 'killed'],
    [{ kind: 'budget' }, 'forced', 'killed'],
  ])('of %o with a last step that came to %s is %s', (stop, last, outcome) => {
    expect(judge(stop, last)).toBe(outcome);
  });

  test('gives every outcome but lost, which needs a dead node', () => {
    const given = new Set([undefined, ...STOPS].flatMap((stop) => LAST_STEPS.map((last) => judge(stop, last))));
    expect([...given].toSorted()).toEqual(RUN_OUTCOMES.filter((outcome) => outcome !== 'lost').toSorted());
  });
});

test('a stop is described in a line', () => {
  expect(STOPS.map(describeStop)).toEqual(['budget', 'step timeout of 500 ms', 'cancelled by overlap', 'shutdown']);
});

function attempt(from: RunState, to: RunState): RunState | undefined {
  try {
    return transition(from, to);
  } catch {
    return undefined;
  }
}

/** The store fails in such a way that nobody knows whether a turn was applied. */
import { expect, test } from 'vitest';
import { TickwiseError } from '../../src/core/errors.ts';
import type { Store, Turn, TurnResult } from '../../src/core/store.ts';
import { type Engine, jobOf, memoryStore, MINUTE, SECOND, startEngine, takes } from './engine.ts';

/** Fails the next commit, before or after it was applied, and does not say which of the two until it is asked to. */
class DoubtfulStore {
  fails: 'before' | 'after' | undefined;
  knows = true;
  readonly store: Store;
  /** Its commit, made or not, as only the store knows it. */
  #doubt: { readonly turn: Turn; readonly result: TurnResult | undefined } | undefined;

  constructor() {
    const inner = memoryStore();
    const own: Pick<Store, 'commit' | 'settle'> = {
      commit: (turn: Turn) => {
        expect(this.#doubt).toBeUndefined();
        const how = this.fails;
        this.fails = undefined;
        const result = how === 'before' ? undefined : (inner.commit(turn) as TurnResult);
        if (how === undefined) return result as TurnResult;
        this.knows = false;
        this.#doubt = { turn, result };
        throw unknown();
      },
      settle: (turn: Turn) => {
        expect(this.#doubt?.turn).toBe(turn);
        if (!this.knows) throw unknown();
        const result = this.#doubt?.result;
        this.#doubt = undefined;
        return result;
      },
    };
    this.store = new Proxy(inner, {
      get: (_, name) => {
        const member: unknown = Reflect.get(name in own ? own : inner, name);
        return typeof member === 'function' ? (member as () => unknown).bind(inner) : member;
      },
    });
  }
}

function unknown(): TickwiseError {
  return new TickwiseError('STORE_UNUSABLE', 'nobody knows', { facts: { inDoubt: true } });
}

async function setup(...names: string[]): Promise<{ doubtful: DoubtfulStore; engine: Engine }> {
  const doubtful = new DoubtfulStore();
  const engine = await startEngine(
    names.map((name) => jobOf(name, name === 'triggered' ? { schedules: [] } : {})),
    { store: doubtful.store, script: () => takes(5 * SECOND) },
  );
  return { doubtful, engine };
}

test.each(['before', 'after'] as const)('a grant whose commit failed %s it was applied leads to one run', async (how) => {
  const { doubtful, engine } = await setup('a');
  doubtful.fails = how;
  await engine.clock.advance(MINUTE + 5 * SECOND);
  expect(engine.orders).toEqual([]);
  expect(engine.of('storeFailed')).toHaveLength(1);

  doubtful.knows = true;
  await engine.clock.advance(10 * SECOND);

  expect(engine.of('storeRecovered')).toHaveLength(1);
  expect(engine.orders).toMatchObject([{ fence: 1 }]);
  expect(engine.of('runEnded')).toMatchObject([{ outcome: 'succeeded' }]);
  expect(engine.of('fenceRejected')).toEqual([]);
  expect((await engine.runs('a')).map(({ state }) => state)).toEqual(['succeeded']);
});

test.each(['before', 'after'] as const)('an end whose commit failed %s it was applied is written once', async (how) => {
  const { doubtful, engine } = await setup('a');
  await engine.clock.advance(MINUTE + SECOND);
  doubtful.fails = how;
  await engine.clock.advance(10 * SECOND);
  expect(engine.of('runEnded')).toEqual([]);
  expect(engine.scheduler.statistics().live).toBe(1);

  doubtful.knows = true;
  await engine.clock.advance(2 * SECOND);

  expect(engine.of('runEnded')).toMatchObject([{ outcome: 'succeeded' }]);
  expect(engine.of('fenceRejected')).toEqual([]);
  expect(engine.scheduler.statistics().live).toBe(0);
});

test('nothing else is written while a turn is in doubt, and everything after it', async () => {
  const { doubtful, engine } = await setup('a', 'b', 'triggered');
  await engine.clock.advance(MINUTE + SECOND);
  doubtful.fails = 'after';
  await engine.clock.advance(5 * MINUTE);
  const turns = engine.store.turns.length;
  const triggered = engine.scheduler.trigger('triggered');
  await engine.clock.advance(MINUTE);
  expect(engine.store.turns).toHaveLength(turns);

  doubtful.knows = true;
  expect(await engine.clock.waitFor(triggered)).toMatchObject({ kind: 'started' });
  await engine.clock.advance(10 * SECOND);
  expect(engine.scheduler.statistics().live).toBe(0);
  const outcomes = (await engine.ticks('b')).map(({ outcome }) => outcome);
  expect(outcomes).toEqual(['ran', ...Array.from({ length: 5 }, () => 'folded'), 'ran']);
});

test('a reload is refused while a turn is in doubt, and the old definitions stay', async () => {
  const { doubtful, engine } = await setup('a');
  doubtful.fails = 'after';
  await engine.clock.advance(MINUTE + SECOND);
  await expect(engine.clock.waitFor(engine.scheduler.reload([jobOf('b')]))).rejects.toMatchObject({ code: 'STORE_UNUSABLE' });
  expect(engine.scheduler.inspect('a')).toBeDefined();
});

test('a scheduler that stops in doubt does not wait for the store, and answers whoever waits', async () => {
  const { doubtful, engine } = await setup('a');
  doubtful.fails = 'after';
  const triggered = engine.scheduler.trigger('a');
  await engine.clock.advance(SECOND);

  expect(await engine.clock.waitFor(engine.scheduler.stop(0))).toEqual([]);

  expect(await triggered).toMatchObject({ kind: 'refused', reason: 'draining' });
  // It was granted and nobody runs it: the next start finds it live, and proves it lost.
  expect(engine.orders).toEqual([]);
  expect(await doubtful.store.liveRuns()).toHaveLength(1);
});

import { expect, test } from 'vitest';
import { Channel } from '../../src/structured/channel.ts';
import { Future } from '../../src/structured/future.ts';
import { select } from '../../src/structured/select.ts';
import type { Source } from '../../src/structured/source.ts';
import { sourceOf } from '../../src/structured/source-of.ts';
import { setup } from './setup.ts';

test('takes the first value that comes, and leaves the others where they are', async () => {
  using bundle = setup();
  const { clock, context } = bundle;
  const [slow, fast] = [new Channel<string>(1), new Channel<number>(1)];
  clock.setTimer(200, () => slow.trySend('slow'));
  clock.setTimer(100, () => fast.trySend(7));
  expect(await clock.waitFor(select(context, { slow, fast }))).toEqual({ source: 'fast', done: false, value: 7 });
  expect(await clock.waitFor(select(context, { slow, fast }))).toEqual({ source: 'slow', done: false, value: 'slow' });
});

test('of several that are ready the first one is chosen, and the others are chosen later', async () => {
  using bundle = setup();
  const [a, b] = [new Channel<string>(1), Future.of(Promise.resolve('b'))];
  await a.send('a');
  await b.wait();
  const chosen = [await select(bundle.context, { a, b }), await select(bundle.context, { a, b })];
  expect(chosen.map(({ source }) => source)).toEqual(['a', 'b']);
});

test('does not wait where there is a default', async () => {
  using bundle = setup();
  const empty = new Channel<number>(1);
  expect(await select(bundle.context, { empty }, { orElse: 'none' })).toEqual({ source: 'none', why: 'default' });
  await empty.send(1);
  expect(await select(bundle.context, { empty }, { orElse: 'none' })).toMatchObject({ source: 'empty', value: 1 });
});

test('chooses none when the time is over, and takes its timer back when it is not', async () => {
  using bundle = setup();
  const { clock, context } = bundle;
  const channel = new Channel<number>(1);
  expect(await clock.waitFor(select(context, { channel }, { timeoutMs: 100 }))).toEqual({ source: 'none', why: 'timeout' });
  expect(clock.monotonic()).toBe(100);
  clock.setTimer(150, () => channel.trySend(5));
  expect(await clock.waitFor(select(context, { channel }, { timeoutMs: 100 }))).toMatchObject({ value: 5 });
  expect(clock.timers).toBe(0);
});

test('gives up with its context, and not with a timeout of its own', async () => {
  using bundle = setup();
  const parent = bundle.context.withTimeout(50);
  const waiting = select(parent, { never: new Channel<number>(1) }, { timeoutMs: 100 });
  await expect(bundle.clock.waitFor(waiting)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  expect(bundle.clock.monotonic()).toBe(50);
});

test('nobody watches the losers any more', async () => {
  using bundle = setup();
  let watchers = 0;
  const loser: Source<number> = {
    tryTake: () => undefined,
    watch: () => {
      watchers++;
      return { [Symbol.dispose]: () => void watchers-- };
    },
  };
  const winner = new Channel<string>(1);
  bundle.clock.setTimer(10, () => winner.trySend('won'));
  await bundle.clock.waitFor(select(bundle.context, { loser, winner }));
  await bundle.clock.waitFor(select(bundle.context, { loser }, { timeoutMs: 10 }));
  expect(watchers).toBe(0);
});

test('two who choose from one source get each value once', async () => {
  using bundle = setup();
  const channel = new Channel<number>(1);
  const both = Promise.all([select(bundle.context, { channel }), select(bundle.context, { channel })]);
  await channel.send(1);
  await bundle.clock.advance(0);
  await channel.send(2);
  expect((await both).map((chosen) => chosen.source === 'channel' && !chosen.done && chosen.value)).toEqual([1, 2]);
});

test('the end of a source is chosen like a value', async () => {
  using bundle = setup();
  const channel = new Channel<number>(1);
  channel.close();
  expect(await select(bundle.context, { channel })).toEqual({ source: 'channel', done: true });
});

test('a source that failed throws its failure', async () => {
  using bundle = setup();
  const failed = Future.of(Promise.reject(new Error('no')));
  await expect(select(bundle.context, { failed })).rejects.toThrow('no');
});

test('an iterable is a source: what was read and not chosen is still there', async () => {
  using bundle = setup();
  let closed = false;
  async function* letters(): AsyncGenerator<string> {
    try {
      yield 'a';
      yield 'b';
    } finally {
      closed = true;
    }
  }
  const first = new Channel<string>(1);
  await first.send('first');
  await using iterable = sourceOf(letters());
  const chosen = [];
  for (let at = 0; at < 4; at++) chosen.push(await select(bundle.context, { first, iterable }));
  expect(chosen.map((choice) => [choice.source, 'value' in choice ? choice.value : 'end'])).toEqual([
    ['first', 'first'],
    ['iterable', 'a'],
    ['iterable', 'b'],
    ['iterable', 'end'],
  ]);
  expect(closed).toBe(true);
});

test('an iterable that fails fails its source, once what came before is taken', async () => {
  using bundle = setup();
  async function* failing(): AsyncGenerator<number> {
    yield 1;
    throw new Error('broken');
  }
  await using source = sourceOf(failing());
  expect(await select(bundle.context, { source })).toMatchObject({ value: 1 });
  await expect(select(bundle.context, { source })).rejects.toThrow('broken');
});

test('a promise is a source for ever', async () => {
  using bundle = setup();
  const promise = sourceOf(Promise.resolve(3));
  const chosen = [await select(bundle.context, { promise }), await select(bundle.context, { promise })];
  expect(chosen).toMatchObject([{ value: 3 }, { value: 3 }]);
});

test('an iterable that keeps one waiting does not hold up whoever disposes of its source', async () => {
  let told = false;
  const endless: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => undefined),
      return: () => {
        told = true;
        return new Promise(() => undefined);
      },
    }),
  };
  await sourceOf(endless)[Symbol.asyncDispose]();
  expect(told).toBe(true);
});

test('an iterable whose value nobody has taken is closed with its source', async () => {
  let closed = false;
  async function* letters(): AsyncGenerator<string> {
    try {
      yield 'a';
      yield 'b';
    } finally {
      closed = true;
    }
  }
  const source = sourceOf(letters());
  await new Promise((resolve) => setImmediate(resolve));
  await source[Symbol.asyncDispose]();
  expect(closed).toBe(true);
});

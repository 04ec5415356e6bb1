import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Context } from '../../src/core/context.ts';
import { type Acknowledgement, pipeline } from '../../src/structured/pipeline.ts';
import { collect, setup } from './setup.ts';

test('each item is acknowledged to its producer, with what became of it', async () => {
  using bundle = setup();
  await using line = pipeline<string>()
    .stage('parse', (text) => Number(text))
    .stage('double', (value) => value * 2)
    .open(bundle.context);
  const sent = [await line.send('1'), await line.send('2')];
  expect(await Promise.all(sent.map(({ acknowledged }) => acknowledged))).toEqual([
    { status: 'done', index: 0, value: 2 },
    { status: 'done', index: 1, value: 4 },
  ]);
});

test('a slow stage slows the ones before it, down to the producer', async () => {
  using bundle = setup();
  const { clock, context } = bundle;
  const line = pipeline<number>()
    .stage('fast', (item) => item, { buffer: 2 })
    .stage(
      'slow',
      async (item, { sleep }) => {
        await sleep(100);
        return item;
      },
      { buffer: 3 },
    )
    .open(context);
  let read = 0;
  async function* numbers(): AsyncGenerator<number> {
    for (; read < 30; read++) yield read;
  }
  const acknowledged: number[] = [];
  const all = (async () => {
    for await (const { index } of line.over(numbers())) {
      acknowledged.push(index);
      // One in each stage, five in buffers, one in the producer's hand, one asked for.
      expect(read - index).toBeLessThanOrEqual(9);
    }
    await line.close();
  })();
  await clock.waitFor(all);
  expect([acknowledged.length, clock.monotonic()]).toEqual([30, 3_000]);
});

test('a failure closes all stages in order: what was ahead is finished, what was behind is dropped with a word', async () => {
  using bundle = setup();
  const { clock, context } = bundle;
  const boom = new Error('boom');
  const line = pipeline<number>()
    .stage('first', (item) => item)
    .stage('breaks', async (item, { sleep }) => {
      await sleep(10);
      if (item === 3) throw boom;
      return item;
    })
    .stage(
      'last',
      async (item, { sleep }) => {
        await sleep(1_000);
        return item;
      },
      { buffer: 5 },
    )
    .open(context);
  const acknowledgements = await clock.waitFor(collect(line.over([1, 2, 3, 4, 5, 6, 7, 8])));
  expect(acknowledgements.slice(0, 3)).toMatchObject([
    { status: 'done', value: 1 },
    { status: 'done', value: 2 },
    { status: 'failed', stage: 'breaks', error: boom },
  ]);
  expect(acknowledgements.slice(3).map(({ status }) => status)).not.toContain('done');
  expect(acknowledgements.slice(3).length).toBeGreaterThan(0);
  await expect(line.ended).rejects.toMatchObject({ code: 'TASK_FAILED', message: 'stage breaks, item 2: boom', cause: boom });
  await expect(line.send(9)).rejects.toMatchObject({ code: 'SCOPE_CLOSED', cause: { cause: boom } });
});

test('a cancel drops what is on its way, says so, and ends when the stages have cleaned up', async () => {
  using bundle = setup();
  const { clock, context } = bundle;
  const line = pipeline<number>()
    .stage('works', async (item, { sleep }) => {
      await sleep(1_000).catch(async (error: unknown) => {
        await context.sleep(50);
        throw error;
      });
      return item;
    })
    .open(context);
  const sent = [await line.send(1), await line.send(2)];
  await clock.advance(10);
  await clock.waitFor(line.cancel('enough'));
  expect(clock.monotonic()).toBe(60);
  expect(await Promise.all(sent.map(({ acknowledged }) => acknowledged))).toEqual([
    { status: 'dropped', index: 0, stage: 'works', reason: 'enough' },
    { status: 'dropped', index: 1, stage: 'works', reason: 'enough' },
  ]);
});

test('a context above that runs out of time cuts the pipeline short, and comes out of it', async () => {
  using bundle = setup();
  const parent = bundle.context.withTimeout(100);
  const line = pipeline<number>()
    .stage('works', (_, { sleep }) => sleep(1_000))
    .open(parent);
  const { acknowledged } = await line.send(1);
  await expect(bundle.clock.waitFor(line.ended)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  expect(await acknowledged).toMatchObject({ status: 'dropped', reason: { code: 'DEADLINE_EXCEEDED' } });
});

test('a source that keeps one waiting does not hold up the end', async () => {
  using bundle = setup();
  const { clock, context } = bundle;
  let told = false;
  const endless: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => undefined),
      return: () => {
        told = true;
        return Promise.resolve({ done: true, value: undefined });
      },
    }),
  };
  const line = pipeline<number>()
    .stage('works', (item) => item)
    .open(context);
  clock.setTimer(100, () => void line.cancel());
  expect(await clock.waitFor(collect(line.over(endless)))).toEqual([]);
  expect(told).toBe(true);
});

test('a source that fails is heard when what came before is acknowledged', async () => {
  using bundle = setup();
  async function* failing(): AsyncGenerator<number> {
    yield 1;
    throw new Error('the source broke');
  }
  await using line = pipeline<number>()
    .stage('works', (item) => item)
    .open(bundle.context);
  const acknowledgements = line.over(failing());
  expect((await acknowledgements.next()).value).toMatchObject({ status: 'done', value: 1 });
  await expect(acknowledgements.next()).rejects.toThrow('the source broke');
});

test('whoever stops listening to acknowledgements stops the reading, and no more', async () => {
  using bundle = setup();
  let [closed, worked] = [false, 0];
  function* numbers(): Generator<number> {
    try {
      for (let at = 0; ; at++) yield at;
    } finally {
      closed = true;
    }
  }
  await using line = pipeline<number>()
    .stage('works', () => ++worked)
    .open(bundle.context);
  for await (const { index } of line.over(numbers())) if (index === 2) break;
  expect(closed).toBe(true);
  await line.close();
  expect(worked).toBeGreaterThan(2);
});

test('a plan without stages is refused', () => {
  using bundle = setup();
  expect(() => pipeline<number>().open(bundle.context)).toThrow(RangeError);
});

test('whatever fails, and whenever it is cancelled: each item that was read has one acknowledgement, in order, and it is true', async () => {
  const stage = fc.record({ buffer: fc.integer({ min: 1, max: 4 }), ms: fc.nat(20), fails: fc.option(fc.nat(40), { nil: -1 }) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(stage, { minLength: 1, maxLength: 4 }),
      fc.nat(30),
      fc.option(fc.nat(300), { nil: undefined }),
      async (stages, items, cancelMs) => {
        using bundle = setup();
        const { clock, context } = bundle;
        const passed = stages.map(() => 0);
        const ends: number[] = [];
        let plan = pipeline<number>();
        for (const [at, { buffer, ms, fails }] of stages.entries()) {
          const work = async (item: number, { sleep, signal }: Context): Promise<number> => {
            if (!signal.aborted) signal.addEventListener('abort', () => ends.push(at), { once: true });
            await sleep((ms * (item + 1)) % 23);
            if (item === fails) throw new Error(`${at}`);
            passed[at]!++;
            return item;
          };
          plan = plan.stage(`${at}`, work, { buffer });
        }
        const line = plan.open(context);
        let read = 0;
        function* numbers(): Generator<number> {
          while (read < items) yield read++;
        }
        if (cancelMs !== undefined) clock.setTimer(cancelMs, () => void line.cancel('enough'));
        const collected = (async (): Promise<Acknowledgement<number>[]> => {
          const all = await collect(line.over(numbers()));
          await line.close().catch(() => undefined);
          return all;
        })();
        const acknowledgements = await clock.waitFor(collected);
        expect(acknowledgements.map(({ index }) => index)).toEqual(Array.from({ length: read }, (_, index) => index));
        for (const one of acknowledgements) {
          if (one.status === 'done') expect(one.value).toBe(one.index);
          if (one.status === 'failed') expect(stages[Number(one.stage)]!.fails).toBe(one.index);
        }
        expect(acknowledgements.filter(({ status }) => status === 'done')).toHaveLength(passed.at(-1)!);
        const stopped = acknowledgements.some(({ status }) => status !== 'done');
        if (!stopped) expect(read).toBe(items);
        if (cancelMs === undefined && stopped) expect(acknowledgements.some(({ status }) => status === 'failed')).toBe(true);
      },
    ),
    { numRuns: 200 },
  );
});

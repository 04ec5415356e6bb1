import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Channel } from '../../src/structured/channel.ts';
import { collect, setup } from './setup.ts';

test('a full buffer holds the sender until there is room', async () => {
  const channel = new Channel<number>(2);
  await channel.send(1);
  await channel.send(2);
  let sent = false;
  const third = channel.send(3).then(() => (sent = true));
  await Promise.resolve();
  expect([sent, channel.trySend(4), channel.length]).toEqual([false, false, 2]);
  expect(await channel.receive()).toEqual({ done: false, value: 1 });
  await third;
  channel.close();
  expect(await collect(channel)).toEqual([2, 3]);
});

test('a sender that gives up has put nothing in', async () => {
  using bundle = setup();
  const channel = new Channel<string>(1);
  await channel.send('kept');
  const impatient = channel.send('withdrawn', bundle.context.withTimeout(10));
  await expect(bundle.clock.waitFor(impatient)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  channel.close();
  expect(await collect(channel)).toEqual(['kept']);
});

test('a receiver that gives up has taken nothing', async () => {
  using bundle = setup();
  const channel = new Channel<string>(1);
  const impatient = channel.receive(bundle.context.withTimeout(10));
  await expect(bundle.clock.waitFor(impatient)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  await channel.send('still there');
  expect(channel.tryTake()).toEqual({ done: false, value: 'still there' });
});

test('closing refuses those who send, wakes those who receive, and leaves what was in it', async () => {
  const full = new Channel<number>(1);
  await full.send(1);
  const refused = full.send(2);
  full.close();
  await expect(refused).rejects.toMatchObject({ code: 'SCOPE_CLOSED' });
  await expect(full.send(3)).rejects.toMatchObject({ code: 'SCOPE_CLOSED' });
  expect([await full.receive(), await full.receive()]).toEqual([{ done: false, value: 1 }, { done: true }]);
  const empty = new Channel<number>(1);
  const waiting = empty.receive();
  empty.close();
  expect(await waiting).toEqual({ done: true });
});

test('takes a whole number of at least one', () => {
  for (const capacity of [0, 1.5, -1]) expect(() => new Channel(capacity)).toThrow(RangeError);
});

test('in any course of sending, receiving and giving up, what was accepted comes out once, in order', async () => {
  const acts = fc.array(fc.constantFrom('send', 'receive', 'send and give up', 'receive and give up'), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), acts, async (capacity, course) => {
      const channel = new Channel<number>(capacity);
      const accepted: number[] = [];
      const received: number[] = [];
      const ends: Promise<unknown>[] = [];
      for (const [at, act] of course.entries()) {
        const controller = new AbortController();
        if (act.startsWith('send')) {
          ends.push(
            channel.send(at, controller).then(
              () => accepted.push(at),
              () => undefined,
            ),
          );
        } else {
          const note = (taken: Awaited<ReturnType<typeof channel.receive>>): void =>
            void (taken.done || received.push(taken.value));
          ends.push(channel.receive(controller).then(note, () => undefined));
        }
        if (act.endsWith('give up')) controller.abort();
        await Promise.resolve();
        expect(channel.length).toBeLessThanOrEqual(capacity);
      }
      channel.close();
      await Promise.all(ends);
      received.push(...(await collect(channel)));
      expect(received).toEqual(accepted.toSorted((a, b) => a - b));
    }),
    { numRuns: 200 },
  );
});

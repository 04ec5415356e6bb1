import { expect, test } from 'vitest';
import { jobOf, MINUTE, SECOND, startEngine } from './engine.ts';

test('a checkpoint is written while the run goes on, and ends with it', async () => {
  const engine = await startEngine([jobOf('a')], {
    script: () => ({ steps: [{ takesMs: SECOND, checkpoint: 1 }, { takesMs: 20 * SECOND }] }),
  });
  await engine.clock.advance(MINUTE + 2 * SECOND);
  expect(await engine.store.checkpoint('a')).toBe('1');
  await engine.clock.advance(30 * SECOND);
  expect(await engine.store.checkpoint('a')).toBeUndefined();
});

test('a done run clears the checkpoint that is still on its way to a slow store', async () => {
  const engine = await startEngine([jobOf('a')], {
    script: () => ({ steps: [{ takesMs: SECOND, checkpoint: 1 }, { takesMs: SECOND }] }),
  });
  await engine.clock.advance(MINUTE);
  engine.store.hold();
  await engine.clock.advance(5 * SECOND);
  engine.store.letGo();
  await engine.clock.advance(SECOND);
  expect(engine.of('runEnded')).toMatchObject([{ outcome: 'succeeded' }]);
  expect(await engine.store.checkpoint('a')).toBeUndefined();
});

test('a run that comes back to its first checkpoint overwrites the one on its way to a slow store', async () => {
  const saw: (string | undefined)[] = [];
  const engine = await startEngine([jobOf('a')], {
    script: ({ checkpoint }) => {
      saw.push(checkpoint);
      const again = {
        steps: [
          { takesMs: SECOND, checkpoint: 'other' },
          { takesMs: SECOND, checkpoint: 'first' },
          { takesMs: SECOND, throws: 'no' },
        ],
      };
      return saw.length === 1
        ? {
            steps: [
              { takesMs: SECOND, checkpoint: 'first' },
              { takesMs: SECOND, throws: 'no' },
            ],
          }
        : again;
    },
  });
  await engine.clock.advance(2 * MINUTE);
  engine.store.hold();
  await engine.clock.advance(5 * SECOND);
  engine.store.letGo();
  await engine.clock.advance(MINUTE);
  expect(saw).toEqual([undefined, '"first"', '"first"']);
});

test('checkpoints that come faster than each 50 ms are written together, the newest at last', async () => {
  const steps = Array.from({ length: 100 }, (_, index) => ({ takesMs: 10, checkpoint: index }));
  const engine = await startEngine([jobOf('a')], { script: () => ({ steps: [...steps, { takesMs: 30 * SECOND }] }) });
  await engine.clock.advance(MINUTE + 10 * SECOND);
  const written = engine.store.turns.flatMap(({ checkpoints }) => checkpoints);
  expect(written.length).toBeGreaterThan(15);
  expect(written.length).toBeLessThan(25);
  expect(written.at(-1)).toMatchObject({ checkpoint: '99', steps: 100 });
});

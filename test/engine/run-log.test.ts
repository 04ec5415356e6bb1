import { expect, test } from 'vitest';
import type { LogLine } from '../../src/core/log-line.ts';
import type { TaskContext } from '../../src/core/task.ts';
import { LINES_A_WRITE, WRITE_EACH_MS } from '../../src/engine/run-log.ts';
import { Output } from '../../src/runner/output.ts';
import { OutputCap } from '../../src/runner/module-output.ts';
import { createInlineRunner } from '../../src/runner/inline.ts';
import { KEPT_HEAD, KEPT_TAIL, LogWindow } from '../../src/engine/log-window.ts';
import { steer, type Steered } from './control-setup.ts';
import { HOUR, jobOf, MINUTE, SECOND } from './engine.ts';

type Task = (context: TaskContext) => unknown;

/** A job of one function, and a run of it. */
async function running(
  task: Task,
  own: object = {},
): Promise<Steered & { readonly id: string; read(query?: object): Promise<readonly LogLine[]> }> {
  const job = jobOf('a', { schedules: [], task: { kind: 'function', target: undefined }, ...own });
  const steered = await steer([job], { runner: (clock) => createInlineRunner(clock, () => task) });
  const { control, settle } = steered;
  const result = await settle(control.submit({ job: 'a', by: 'test' }));
  const id = 'runId' in result ? (result.runId ?? '') : '';
  return { ...steered, id, read: async (query = {}) => (await settle(control.log(id, { limit: 10_000, ...query }))) ?? [] };
}

function stored({ engine, settle, id }: Steered & { readonly id: string }): Promise<readonly LogLine[]> {
  return settle(engine.store.log({ runId: id, limit: 10_000 }));
}

/** Writes so many lines of 99 characters, 100 with their break, and then waits. */
function flood(lines: number): Task {
  return async ({ log, sleep }) => {
    for (let line = 1; line <= lines; line++) log.info(String(line).padEnd(99, '.'));
    await sleep(30 * SECOND);
  };
}

/** The numbers that lines begin with; a note of a hole stands as its text. */
function numbersOf(lines: readonly LogLine[]): (number | string)[] {
  return lines.map(({ text }) => (text.startsWith('…') ? text : Number.parseInt(text, 10)));
}

test('lines are numbered over all attempts, and kept with level, source, fields and instant', async () => {
  const retry = { attempts: 2, delayMs: SECOND, factor: 1, maxDelayMs: MINUTE, jitter: 0 };
  await using run = await running(
    ({ log, attempt }) => {
      log.warn(`attempt ${attempt}`, { attempt });
      throw new Error('again');
    },
    { retry },
  );
  await run.engine.clock.advance(3 * SECOND);
  const rest = { level: 'warn', source: 'task' };
  expect(await stored(run)).toEqual([
    { seq: 1, attempt: 1, text: 'attempt 1', fields: '{"attempt":1}', at: expect.any(Number), ...rest },
    { seq: 2, attempt: 2, text: 'attempt 2', fields: '{"attempt":2}', at: expect.any(Number), ...rest },
  ]);
  const [first, second] = await stored(run);
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBe(SECOND);
});

test('lines are readable at once, and in the store half a second later, in one write for all runs', async () => {
  await using run = await running(async ({ log, sleep }) => {
    for (;;) {
      log.info('line');
      await sleep(100);
    }
  });
  const appended: number[] = [];
  const append = run.engine.store.appendLog.bind(run.engine.store);
  run.engine.store.appendLog = (writes) => {
    appended.push(writes.reduce((sum, { lines }) => sum + lines.length, 0));
    return append(writes);
  };
  await run.engine.clock.advance(WRITE_EACH_MS - 50);
  expect([(await run.read()).length, (await stored(run)).length]).toEqual([5, 0]);
  await run.engine.clock.advance(100);
  expect([(await run.read()).length, (await stored(run)).length, appended]).toEqual([6, 5, [5]]);
  await run.engine.clock.advance(10 * WRITE_EACH_MS);
  expect(appended.length).toBeLessThanOrEqual(11);
});

test('a page goes on where the last one ended, across what is in the store and what is not', async () => {
  await using run = await running(async ({ log, sleep }) => {
    for (let line = 1; ; line++) {
      log.info(String(line));
      await sleep(100);
    }
  });
  await run.engine.clock.advance(WRITE_EACH_MS + 350);
  const pages: (number | string)[] = [];
  for (let after = 0; ;) {
    const lines = await run.read({ after, limit: 2 });
    if (lines.length === 0) break;
    expect(lines.length).toBeLessThanOrEqual(2);
    pages.push(...numbersOf(lines));
    after = lines.at(-1)?.seq ?? after;
  }
  expect(pages).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('of a long log head and tail are kept, and the hole between them is said in its place', async () => {
  await using run = await running(flood(1_000));
  const expected = [
    ...range(1, 328),
    '… 335 lines are left out here: 64 KiB of a log are kept, head and tail, and nothing while the store fails …',
    ...range(664, 1_000),
  ];
  expect(numbersOf(await run.read())).toEqual(expected);
  await run.engine.clock.advance(SECOND);
  expect(await stored(run)).toHaveLength(328 + 337);
  const read = await run.read();
  expect(numbersOf(read)).toEqual(expected);
  expect(read[328]).toMatchObject({ seq: 663, level: 'warn', source: 'task' });
});

test('the middle that is in the store already is dropped from it, too', async () => {
  await using run = await running(async ({ log, sleep }) => {
    for (let line = 1; line <= 2_000; line++) {
      log.info(String(line).padEnd(99, '.'));
      if (line % 100 === 0) await sleep(SECOND);
    }
  });
  await run.engine.clock.advance(30 * SECOND);
  expect(numbersOf(await stored(run))).toEqual([...range(1, 328), ...range(1_664, 2_000)]);
});

test('a reader who follows reads each line once, and each hole once', async () => {
  await using run = await running(flood(1_000));
  const whole = await run.read();
  const seen: LogLine[] = [];
  for (let after = 0; ; after = seen.at(-1)?.seq ?? 0) {
    const lines = await run.read({ after, limit: 100 });
    if (lines.length === 0) break;
    seen.push(...lines);
  }
  expect(seen).toEqual(whole);
});

test('the log of a run that has ended is readable before and after its last lines are written', async () => {
  await using run = await running(({ log }) => log.info('last words'));
  await run.engine.clock.advance(10);
  expect((await run.read()).map(({ text }) => text)).toEqual(['last words']);
  expect(await stored(run)).toHaveLength(0);
  await run.engine.clock.advance(SECOND);
  expect([await run.read(), await stored(run)]).toMatchObject([[{ seq: 1 }], [{ seq: 1 }]]);
});

test('what waits is written when the control is disposed of', async () => {
  const run = await running(flood(3));
  await run[Symbol.asyncDispose]();
  expect(await stored(run)).toHaveLength(3);
});

test('very many short lines are written batch by batch, so that nothing is held up', async () => {
  await using run = await running(async ({ log, sleep }) => {
    for (let line = 1; line <= 40_000; line++) log.info('y');
    await sleep(30 * SECOND);
  });
  const batches: number[] = [];
  const append = run.engine.store.appendLog.bind(run.engine.store);
  run.engine.store.appendLog = (writes) => {
    batches.push(writes.reduce((sum, { lines }) => sum + lines.length, 0));
    return append(writes);
  };
  await run.engine.clock.advance(SECOND);
  expect(Math.max(...batches)).toBe(LINES_A_WRITE);
  expect(batches.reduce((sum, lines) => sum + lines)).toBe(KEPT_HEAD / 2 + KEPT_TAIL / 2);
  expect(await run.read({ after: 40_000 - KEPT_TAIL / 2 })).toHaveLength(10_000);
});

test('a store that fails costs lines, which are counted, and never the run', async () => {
  await using run = await running(async ({ log, sleep }) => {
    for (let line = 1; line <= 4; line++) {
      log.info(String(line));
      await sleep(SECOND);
    }
  });
  await run.engine.clock.advance(800);
  run.engine.store.isFailing = true;
  await run.engine.clock.advance(2 * SECOND);
  run.engine.store.isFailing = false;
  await run.engine.clock.advance(5 * SECOND);
  expect(numbersOf(await run.read())).toEqual([1, expect.stringContaining('2 lines are left out here'), 4]);
  expect(run.control.health().faults).toEqual([
    expect.stringMatching(/^the store failed \d+s ago, and 2 lines of run logs are lost$/),
  ]);
  expect(await run.settle(run.control.run(run.id))).toMatchObject({ state: 'succeeded' });
  await run.engine.clock.advance(HOUR);
  expect(run.control.health().faults).toEqual([]);
});

test('a line without end is cut, and fields that are no JSON are left out', async () => {
  await using run = await running(({ log }) => log.info('x'.repeat(1_000_000), { big: 1n }));
  await run.engine.clock.advance(SECOND);
  const [line] = await run.read();
  expect(line?.text).toHaveLength(8_194);
  expect(line).not.toHaveProperty('fields');
});

test('what a command writes has one hole, said by its runner', () => {
  const window = new LogWindow();
  const add = (text: string): void => window.add({ at: 0, attempt: 1, level: 'info', source: 'stdout', text });
  const output = new Output({ line: (_, text) => add(text), omitted: (bytes) => add(`${bytes} bytes were left out here`) });
  for (let line = 0; line < 5_000; line++) output.write('stdout', Buffer.from(`${String(line).padEnd(99, '.')}\n`));
  output.close();
  const { lines, drop } = window.take('r', Infinity);
  expect(drop).toBeUndefined();
  expect(lines.filter(({ text }) => text.includes('left out'))).toHaveLength(1);
});

test('what a module writes has one hole, said by its runner', () => {
  const window = new LogWindow();
  const add = (text: string): void => window.add({ at: 0, attempt: 1, level: 'info', source: 'task', text });
  const cap = new OutputCap({ line: (_, __, text) => add(text), leftOut: (lines) => add(`${lines} lines are left out`) });
  for (let line = 0; line < 5_000; line++) cap.line('info', 'task', String(line).padEnd(99, '.'));
  cap.release();
  const { lines, drop } = window.take('r', Infinity);
  expect(drop).toBeUndefined();
  expect(lines.filter(({ text }) => text.includes('left out'))).toHaveLength(1);
});

test('a flood that nobody writes down holds no more than is kept', () => {
  const window = new LogWindow();
  for (let line = 0; line < 200_000; line++)
    window.add({ at: 0, attempt: 1, level: 'info', source: 'task', text: 'x'.repeat(99) });
  expect(window.unwritten).toHaveLength(328 + 337);
  const { lines, drop } = window.take('r', Infinity);
  expect([lines.length, drop]).toEqual([665, { from: 329, to: 200_000 - 337 }]);
});

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

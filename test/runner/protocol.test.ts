import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hostOrderOf, LONGEST_LINE, parseFromHost } from '../../src/runner/protocol.ts';
import { fixture, orderOf } from './setup.ts';

const end = { outcome: 'succeeded', steps: 1, checkpoint: '{"a":1}' };

it('takes what a host says', () => {
  expect(parseFromHost({ type: 'began', attemptId: 1 })).toEqual({ type: 'began', attemptId: 1 });
  expect(parseFromHost({ type: 'stopping', attemptId: 1, reason: { kind: 'stepTimeout', limitMs: 5 } })).toMatchObject({
    reason: { limitMs: 5 },
  });
  expect(parseFromHost({ type: 'ended', attemptId: 1, end, spoiled: true })).toMatchObject({ end, spoiled: true });
});

it('never throws, whatever comes', () => {
  fc.assert(
    fc.property(fc.anything({ withNullPrototype: true, withBigInt: true }), (value) => {
      expect(parseFromHost(value)).toBeUndefined();
    }),
  );
});

it('never throws, and takes nothing unchecked, whatever the fields of a message hold', () => {
  const type = fc.constantFrom('began', 'stepped', 'stopping', 'stalled', 'beat', 'line', 'leftOut', 'crashed', 'ended');
  const fields = [
    'steps',
    'checkpoint',
    'progress',
    'reason',
    'level',
    'source',
    'text',
    'fields',
    'lines',
    'characters',
    'error',
    'end',
  ];
  const rest = fc.record(Object.fromEntries(fields.map((name) => [name, fc.anything()])), { requiredKeys: [] });
  fc.assert(
    fc.property(type, fc.nat(), rest, (chosen, attemptId, others) => {
      const message = parseFromHost({ ...others, type: chosen, attemptId });
      if (message?.type === 'stepped') expect(Number.isSafeInteger(message.steps)).toBe(true);
      if (message?.type === 'line') expect(typeof message.text).toBe('string');
      if (message !== undefined) expect(message.attemptId).toBe(attemptId);
    }),
  );
});

const durations = { count: 3, totalMs: 12.5, buckets: [1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0] };

it('takes the durations of steps', () => {
  expect(parseFromHost({ type: 'stepped', attemptId: 1, steps: 3, durations })).toMatchObject({ durations });
  expect(parseFromHost({ type: 'ended', attemptId: 1, end: { ...end, durations } })).toMatchObject({ end: { durations } });
});

it.each([
  ['counts that do not add up', { ...durations, count: 4 }],
  ['too few classes', { ...durations, buckets: [3] }],
  ['classes that are no counts', { ...durations, buckets: durations.buckets.map((count) => count / 2) }],
  ['time that is no number', { ...durations, totalMs: '12' }],
  ['endless time', { ...durations, totalMs: Infinity }],
  ['text', 'long'],
])('leaves durations with %s out of a message, and takes the rest', (_what, bad) => {
  const message = parseFromHost({ type: 'stepped', attemptId: 1, steps: 3, checkpoint: '1', durations: bad });
  expect(message).toMatchObject({ steps: 3, checkpoint: '1', durations: undefined });
});

it.each([
  ['a checkpoint that is no JSON', { ...end, checkpoint: '{' }],
  ['a checkpoint of more than 1 MiB', { ...end, checkpoint: JSON.stringify('x'.repeat(1_048_576)) }],
  ['a result that is no text', { ...end, result: { a: 1 } }],
  ['an outcome that a host cannot know', { ...end, outcome: 'lost' }],
  ['steps that are no count', { ...end, steps: -1 }],
  ['progress of another form', { ...end, progress: { completed: 'much' } }],
])('refuses an end with %s', (_what, bad) => {
  expect(parseFromHost({ type: 'ended', attemptId: 1, end: bad })).toBeUndefined();
});

it('cuts texts that are too long', () => {
  const line = parseFromHost({ type: 'line', attemptId: 1, level: 'info', source: 'task', text: 'x'.repeat(100_000) });
  expect(line).toMatchObject({ text: 'x'.repeat(LONGEST_LINE) });
});

it('copies no field that it does not know', () => {
  const hostile = JSON.parse('{"type":"began","attemptId":1,"__proto__":{"isGone":true},"extra":1}') as unknown;
  expect(Object.keys(parseFromHost(hostile) ?? {})).toEqual(['type', 'attemptId']);
});

it('sends an order only for a module', () => {
  expect(() => hostOrderOf(orderOf({ kind: 'shell', shell: 'true' }), 1, 0)).toThrow('only a module can run in a host');
  expect(hostOrderOf(orderOf(fixture('doneAtOnce'), {}, { input: { a: 1 } }), 1, 99)).toMatchObject({
    input: '{"a":1}',
    budgetEndHr: 99,
  });
});

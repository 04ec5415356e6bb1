import { expect, it } from 'vitest';
import { MessageReader } from '../../src/runner/host-channel.ts';

it('reads a value a line, wherever the stream is cut', () => {
  const values: unknown[] = [];
  const reader = new MessageReader((value) => values.push(value), 100);
  for (const chunk of ['{"a"', ':1}\n[2]\n"th', 'r', 'ee"', '\n']) expect(reader.write(chunk)).toBe(true);
  expect(values).toEqual([{ a: 1 }, [2], 'three']);
});

it('refuses a line that is no JSON', () => {
  expect(new MessageReader(() => {}, 100).write('{"a":\n')).toBe(false);
});

it('refuses a line above its limit before it ends', () => {
  const reader = new MessageReader(() => {}, 100);
  expect(reader.write('"'.padEnd(60, 'x'))).toBe(true);
  expect(reader.write('x'.repeat(60))).toBe(false);
});

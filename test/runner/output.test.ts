import { expect, test } from 'vitest';
import { Output, type OutputSource } from '../../src/runner/output.ts';

interface Setup {
  readonly output: Output;
  readonly lines: string[];
  readonly write: (text: string | Buffer, source?: OutputSource) => void;
}

function setup(): Setup {
  const lines: string[] = [];
  const output = new Output({
    line: (source, text) => lines.push(source === 'stdout' ? text : `! ${text}`),
    omitted: (bytes) => lines.push(`<${bytes} left out>`),
  });
  return { output, lines, write: (text, source = 'stdout') => output.write(source, Buffer.from(text as string)) };
}

test('splits lines wherever chunks are cut', () => {
  const { output, lines, write } = setup();
  for (const part of ['on', 'e\ntwo', '\n\nfo', 'ur']) write(part);
  expect(lines).toEqual(['one', 'two', '']);
  output.close();
  expect(lines).toEqual(['one', 'two', '', 'four']);
});

test('puts characters together that were cut in two', () => {
  const { lines, write } = setup();
  const bytes = Buffer.from('grün 🕰 日\n');
  for (const byte of bytes) write(Buffer.from([byte]));
  expect(lines).toEqual(['grün 🕰 日']);
});

test('shows bytes that are no UTF-8 as replaced', () => {
  const { lines, write } = setup();
  write(Buffer.from([0x61, 0xff, 0x62, 0xe2, 0x0a]));
  expect(lines).toEqual(['a\ufffdb\ufffd']);
});

test('takes the carriage return off a line', () => {
  const { lines, write } = setup();
  write('a\r');
  write('\nb\rc\r\n');
  expect(lines).toEqual(['a', 'b\rc']);
});

test('keeps the two pipes apart', () => {
  const { output, lines, write } = setup();
  write('out ');
  write('err\n', 'stderr');
  write('put\n');
  write('rest', 'stderr');
  output.endStep();
  expect(lines).toEqual(['! err', 'out put', '! rest']);
});

test('cuts a very long line at a whole character, and says how much is missing', () => {
  const { lines, write } = setup();
  write(`${'ü'.repeat(5_000)}`);
  write(`${'ü'.repeat(5_000)}\nnext\n`);
  expect(lines).toEqual([`${'ü'.repeat(4_096)} … (11808 more bytes)`, 'next']);
});

test('leaves nothing out of 64 KiB', () => {
  const { output, lines, write } = setup();
  const all = Array.from({ length: 6_553 }, (_, index) => String(index).padStart(9, '0'));
  for (let from = 0; from < all.length; from += 100) write(`${all.slice(from, from + 100).join('\n')}\n`);
  output.close();
  expect(lines).toEqual(all);
});

test('keeps head and tail of more, in whole lines, and says once how much was left out', () => {
  const { output, lines, write } = setup();
  const all = Array.from({ length: 20_000 }, (_, index) => String(index).padStart(9, '0'));
  const text = `${all.join('\n')}\n`;
  for (let from = 0; from < text.length; from += 777) write(text.slice(from, from + 777));
  output.close();
  const gap = lines.findIndex((line) => line.startsWith('<'));
  expect(lines.slice(0, gap)).toEqual(all.slice(0, gap));
  expect(lines.slice(gap + 1)).toEqual(all.slice(-(lines.length - gap - 1)));
  expect(lines[gap]).toBe(`<${(all.length - lines.length + 1) * 10} left out>`);
  expect(lines.length * 10).toBeGreaterThan(64_000);
  expect(lines.length * 10).toBeLessThan(66_000);
});

test('holds no more of a flood of single bytes than of one in blocks', () => {
  const { output, lines, write } = setup();
  write(Buffer.alloc(40_000, 'x\n'));
  for (let index = 0; index < 100_000; index++) write('y', index % 2 === 0 ? 'stdout' : 'stderr');
  output.close();
  expect(lines.join('').length).toBeLessThan(70_000);
});

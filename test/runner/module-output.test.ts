import { expect, it } from 'vitest';
import { KEPT_HEAD, KEPT_TAIL, LineSplitter, OutputCap } from '../../src/runner/module-output.ts';
import { LONGEST_LINE } from '../../src/runner/protocol.ts';

function setup(): { cap: OutputCap; told: string[]; write: (text: string, fields?: Record<string, unknown>) => void } {
  const told: string[] = [];
  const cap = new OutputCap({
    line: (_level, _source, text, fields) => told.push(fields === undefined ? text : `${text} ${JSON.stringify(fields)}`),
    leftOut: (lines, characters) => told.push(`left out ${lines} ${characters}`),
  });
  return { cap, told, write: (text, fields) => cap.line('info', 'task', text, fields) };
}

it('passes lines on at once while there are few', () => {
  const { told, write } = setup();
  write('one');
  write('two', { a: 1 });
  expect(told).toEqual(['one', 'two {"a":1}']);
});

it('keeps head and tail, and counts what it leaves out between them', () => {
  const { cap, told, write } = setup();
  const total = 10_000;
  for (let index = 0; index < total; index++) write(String(index).padStart(99, '0'));
  const head = Math.floor(KEPT_HEAD / 100);
  const tail = Math.floor(KEPT_TAIL / 100);
  expect(told).toHaveLength(head);
  cap.release();
  expect(told).toHaveLength(head + 1 + tail);
  expect(told[head]).toBe(`left out ${total - head - tail} ${(total - head - tail) * 100}`);
  expect(Number(told.at(-1))).toBe(total - 1);
});

it('says nothing of a cap when all fits into head and tail', () => {
  const { cap, told, write } = setup();
  for (let index = 0; index < 600; index++) write('x'.repeat(99));
  cap.release();
  expect(told).toHaveLength(600);
});

it('puts what a host has left out in its place', () => {
  const { cap, told, write } = setup();
  write('before');
  cap.leftOut(5, 50);
  write('after');
  cap.release();
  expect(told).toEqual(['before', 'left out 5 50', 'after']);
});

it('leaves out fields that JSON cannot keep or that are too long, and keeps the text', () => {
  const { told, write } = setup();
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  write('cycle', cycle);
  write('long', { text: 'x'.repeat(LONGEST_LINE) });
  expect(told).toEqual(['cycle', 'long']);
});

it('counts fields as output', () => {
  const { told, write } = setup();
  for (let index = 0; index < 1_000; index++) write('x', { text: 'y'.repeat(1_000) });
  expect(told.join('').length).toBeLessThanOrEqual(KEPT_HEAD);
});

it('cuts chunks into lines wherever they are cut themselves', () => {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  for (const chunk of ['on', 'e\ntwo\r\n', '\nfour', '']) splitter.write(chunk);
  expect(lines).toEqual(['one', 'two', '']);
  splitter.end();
  expect(lines).toEqual(['one', 'two', '', 'four']);
});

it('cuts a line that does not end, and holds no more than its limit', () => {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  for (let index = 0; index < 100; index++) splitter.write('x'.repeat(1_000));
  splitter.write('\n');
  expect(lines.every((line) => line.length <= LONGEST_LINE)).toBe(true);
  expect(lines.join('')).toBe('x'.repeat(100_000));
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lineOf, type LineStyle, type LogEntry } from '../../src/system/log-line.ts';

const AT = Date.UTC(2026, 0, 1, 12, 30, 15, 7);
const JSON_STYLE: LineStyle = { format: 'json', colour: false };
const PRETTY: LineStyle = { format: 'pretty', colour: false };

function entry(message: string, fields: Record<string, unknown> = {}): LogEntry {
  return { at: AT, level: 'info', message, fields };
}

function circular(): Record<string, unknown> {
  const value: Record<string, unknown> = { name: 'loop' };
  value['self'] = value;
  return value;
}

describe('a line for programs', () => {
  test('has time, level and message first, and its fields flat', () => {
    const line = lineOf(entry('run started', { job: 'backup', runId: '0abc-1', fence: 7, late: undefined }), JSON_STYLE);
    expect(line).toBe(
      '{"time":"2026-01-01T12:30:15.007Z","level":"info","message":"run started","job":"backup","runId":"0abc-1","fence":7}',
    );
  });

  test('keeps a field that has the name of a part of the line, under an underscore', () => {
    expect(JSON.parse(lineOf(entry('m', { time: 1, level: 2, message: 3 }), JSON_STYLE))).toMatchObject({
      message: 'm',
      _time: 1,
      _level: 2,
      _message: 3,
    });
  });

  test('holds an error as data, stack included', () => {
    const { error } = JSON.parse(lineOf(entry('m', { error: new TypeError('bad') }), JSON_STYLE));
    expect(error).toMatchObject({ name: 'TypeError', message: 'bad', stack: expect.stringContaining('log-line.test') });
  });
});

describe('a line for people', () => {
  test('shows level, job, message, then key=value', () => {
    const line = lineOf(entry('run ended', { job: 'backup', outcome: 'failed', reason: 'exit 2', steps: 3 }), PRETTY);
    expect(line).toMatch(/^\d\d:\d\d:15\.007 info {2}backup run ended outcome=failed reason="exit 2" steps=3$/);
  });

  test('names an error without its stack', () => {
    expect(lineOf(entry('m', { error: new TypeError('bad thing') }), PRETTY)).toMatch(/ m error="TypeError: bad thing"$/);
  });

  test('has colours only when asked for', () => {
    const fields = { job: 'a', x: 1 };
    expect(lineOf(entry('m', fields), { ...PRETTY, colour: true })).toContain('\u001b[');
    expect(lineOf(entry('m', fields), PRETTY)).not.toContain('\u001b');
  });
});

describe('whatever its fields hold, a line', () => {
  test.each<[string, unknown]>([
    ['a circle', circular()],
    [
      'a hostile getter',
      {
        get trap(): never {
          throw new Error('no');
        },
      },
    ],
    ['a big number', 12n],
    ['no number', Number.NaN],
    ['a symbol', Symbol('s')],
    ['a function', () => 1],
    ['a date that is none', new Date(Number.NaN)],
    ['a null prototype', Object.create(null)],
    ['a prototype key', JSON.parse('{"__proto__":{"a":1}}')],
  ])('is written in both formats: %s', (_, value) => {
    expect(() => JSON.parse(lineOf(entry('m', { value }), JSON_STYLE))).not.toThrow();
    expect(lineOf(entry('m', { value }), PRETTY)).toContain('value=');
  });

  test('is one line without control characters', () => {
    const text = fc.string({
      unit: fc.oneof(
        fc.constantFrom('\n', '\r', '\u001b', '\u0085', '\u009b', '\u2028', '\u202e', '"', '\\'),
        fc.string({ minLength: 1, maxLength: 1 }),
      ),
    });
    fc.assert(
      fc.property(text, fc.dictionary(text, fc.oneof(text, fc.array(text), fc.dictionary(text, text))), (message, fields) => {
        for (const style of [JSON_STYLE, PRETTY])
          expect(lineOf(entry(message, fields), style)).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
        expect(JSON.parse(lineOf(entry(message, fields), JSON_STYLE)).message).toBe(message);
      }),
    );
  });

  test('is of bounded length', () => {
    expect(lineOf(entry('x'.repeat(1_000_000)), JSON_STYLE).length).toBeLessThan(20_000);
    expect(lineOf(entry('m', { list: Array.from({ length: 1_000_000 }, () => 1) }), JSON_STYLE).length).toBeLessThan(20_000);
  });

  test.each([JSON_STYLE, PRETTY])('holds no secret, at any depth ($format)', (style) => {
    const redact = (text: string): string => text.replaceAll('hunter2', '***');
    const fields = { job: 'hunter2', a: 'x hunter2', b: { c: ['hunter2'], hunter2: 1 }, d: new Error('hunter2') };
    expect(lineOf(entry('hunter2', fields), { ...style, redact })).not.toContain('hunter2');
  });
});

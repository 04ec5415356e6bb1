import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isPlainCron } from '../../src/config/plain-cron.ts';
import { createCalendar } from '../../src/system/calendar.ts';

test.each(['* * * * *', '*/5 * * * *', '0 3 * * *', '30 0,12 3 28 2 0', '*/29 */29 */11 */14 */6 */3'])(
  '%s is plain',
  (pattern) => {
    expect(isPlainCron(pattern)).toBe(true);
  },
);

test.each([
  '',
  '*',
  '* * * *',
  '60 * * * *',
  '* * 29 * *',
  '* * * 13 *',
  '*/0 * * * *',
  '*/31 * * * *',
  'a * * * *',
  '* * * * * * 2030',
  '1-5 * * * *',
  '*  * * * *',
  '1, * * * *',
])('"%s" is left to the calendar', (pattern) => {
  expect(isPlainCron(pattern)).toBe(false);
});

test('the calendar finds nothing wrong with a plain pattern', () => {
  const calendar = createCalendar();
  const number = fc.integer({ min: 0, max: 62 }).map(String);
  const field = fc.oneof(
    fc.constant('*'),
    number.map((step) => `*/${step}`),
    fc.array(number, { minLength: 1, maxLength: 3 }).map((list) => list.join(',')),
  );
  const pattern = fc.array(field, { minLength: 5, maxLength: 6 }).map((fields) => fields.join(' '));
  fc.assert(
    fc.property(pattern.filter(isPlainCron), (text) => {
      expect(calendar.fault({ kind: 'cron', pattern: text, timezone: 'Europe/Vienna' })).toBeUndefined();
    }),
    { numRuns: 300 },
  );
});

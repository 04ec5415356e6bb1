import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import type { Schedule } from '../../src/core/schedule.ts';
import { setup } from './setup.ts';

const bench = setup();
afterAll(() => bench[Symbol.dispose]());

const JOBS = 20_000;

/** Jobs of their own: name, command, description and second of the day differ. */
function text(): string {
  const jobs = Array.from({ length: JOBS }, (_, index) => {
    const schedule = `${index % 60} ${Math.floor(index / 60) % 60} ${Math.floor(index / 3_600)} * * *`;
    return `"job-${index}": {"schedule": "${schedule}", "task": {"command": ["/bin/echo", "${index}"]}, "description": "number ${index}", "retry": {}}`;
  });
  return `{"jobs": {${jobs.join(',\n')}}}`;
}

test('a job takes less than 1 kB of heap, its own schedule, command and description included', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heap = (): number => {
    collect();
    collect();
    return process.memoryUsage().heapUsed;
  };
  bench.parse('{"jobs": {"first": {"schedule": "0 0 * * * *", "task": {"shell": "true"}}}}');
  const before = heap();
  const config = bench.parse(text());
  const bytes = (heap() - before) / config.jobs.length;
  expect(config.jobs).toHaveLength(JOBS);
  expect(bytes).toBeLessThan(1_000);
});

test('the calendar is asked once about each distinct schedule', () => {
  const asked: string[] = [];
  const { calendar } = bench.options;
  const fault = (schedule: Schedule): string | undefined => {
    asked.push(schedule.kind);
    return calendar.fault(schedule);
  };
  const job = (schedule: string): string => `{"schedule": ${schedule}, "task": {"shell": "true"}}`;
  const jobs = Array.from(
    { length: 300 },
    (_, index) => `"j${index}": ${job(index % 2 === 0 ? '"0 0 1-5 * *"' : '{"cron": "0 0 1-5 * *"}')}`,
  );
  const options = { ...bench.options, calendar: { ...calendar, fault }, file: join(bench.folder, 'c.json') };
  parseConfig(`{"jobs": {${jobs.join(',')}}}`, options);
  expect(asked).toEqual(['cron']);
});

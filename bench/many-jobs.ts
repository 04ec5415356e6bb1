/** Many jobs that stay idle while they are looked at. */

/** No tick is nearer than an hour, or farther than twenty. */
const HOURS = 19;

/**
 * The pattern of the job with this number: once a day, at a second of its own. Of 100,000, 68,400 are distinct: nothing can be
 * shared, which is the worst case.
 *
 * @param index counted from 0
 * @param now the wall clock, epoch milliseconds; the patterns keep away from it
 * @returns six fields, for UTC
 */
export function idlePattern(index: number, now: number): string {
  const hour = (new Date(now).getUTCHours() + 2 + (Math.floor(index / 3_600) % HOURS)) % 24;
  return `${index % 60} ${Math.floor(index / 60) % 60} ${hour} * * *`;
}

/**
 * The pattern of the job with this number: once a day, at a minute of its own. There are 1,140, as people write them.
 *
 * @param index counted from 0
 * @param now the wall clock, epoch milliseconds; the patterns keep away from it
 * @returns five fields, for UTC
 */
export function minutePattern(index: number, now: number): string {
  const [, minute, hour] = idlePattern(index * 60, now).split(' ');
  return `${minute} ${hour} * * *`;
}

/**
 * A configuration file with idle jobs.
 *
 * @param count jobs
 * @param patternOf the schedule of the job with a number
 * @returns its text, without `store`
 */
export function manyJobsText(count: number, patternOf: (index: number) => string): string {
  const jobs: string[] = [];
  for (let index = 0; index < count; index++) {
    jobs.push(`    "job-${index}": { "schedule": "${patternOf(index)}", "task": { "command": ["true"] } }`);
  }
  return `{\n  "timezone": "UTC",\n  "jobs": {\n${jobs.join(',\n')}\n  }\n}\n`;
}

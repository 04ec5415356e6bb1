import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { JOB_DEFAULTS } from '../../src/core/job.ts';
import { Events } from '../../src/engine/events.ts';
import { createCalendar } from '../../src/system/calendar.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { createMetrics } from '../../src/system/metrics.ts';

/** Of SPEC section 8, and what alerts need beside them. */
const PROMISED = [
  'tickwise_ticks_total',
  'tickwise_runs_total',
  'tickwise_runs_live',
  'tickwise_run_duration_seconds',
  'tickwise_start_delay_seconds',
  'tickwise_steps_total',
  'tickwise_step_duration_seconds',
  'tickwise_last_success_timestamp_seconds',
  'tickwise_last_end_timestamp_seconds',
  'tickwise_next_tick_timestamp_seconds',
  'tickwise_ticks_since_success',
  'tickwise_budget_seconds',
  'tickwise_blocked',
  'tickwise_hard_stops_total',
  'tickwise_overlap_violations_total',
  'tickwise_fence_rejections_total',
  'tickwise_clock_step_seconds',
  'tickwise_loop_stall_seconds',
  'tickwise_store_errors_total',
  'tickwise_store_failing',
  'tickwise_store_commit_seconds',
  'tickwise_jobs_without_series',
  'tickwise_build_info',
];

interface Exposition {
  readonly text: string;
  /** Names of metrics, and of the series of histograms. */
  readonly names: ReadonlySet<string>;
}

async function scrape(): Promise<Exposition> {
  using metrics = createMetrics({
    events: new Events(),
    clock: createSystemClock(),
    calendar: createCalendar(),
    jobs: [{ ...JOB_DEFAULTS, name: 'a', task: { kind: 'shell', shell: 'true' } }],
    peek: () => undefined,
    version: '1.2.3',
  });
  const { text } = await metrics.text();
  return { text, names: new Set([...text.matchAll(/^(?:# TYPE )?([a-z_]\w*)/gm)].map(([, name]) => String(name))) };
}

function namesIn(path: string): readonly string[] {
  return readFileSync(path, 'utf8').match(/\b(?:tickwise|nodejs|process)_[a-z_]+(?<!_)\b/g) ?? [];
}

describe('the names of metrics', () => {
  test('are those that are promised, each with its type and help', async () => {
    const { text } = await scrape();
    const typed = [...text.matchAll(/^# TYPE (tickwise_\w+) (counter|gauge|histogram)$/gm)].map(([, name]) => String(name));
    expect(typed.toSorted()).toEqual(PROMISED.toSorted());
    for (const name of PROMISED) expect(text).toMatch(new RegExp(`^# HELP ${name} [A-Z0-9].*\\.$`, 'm'));
  });

  test.each(['config/alerts.yml', 'config/grafana.json', 'docs/metrics.md'])('exist wherever %s uses one', async (path) => {
    const { names } = await scrape();
    const used = new Set(namesIn(path));
    expect(used.size).toBeGreaterThan(5);
    expect([...used].filter((name) => !names.has(name))).toEqual([]);
  });

  test('are all in docs/metrics.md', () => {
    const used = new Set(namesIn('docs/metrics.md'));
    expect(PROMISED.filter((name) => !used.has(name))).toEqual([]);
  });

  test('stand in a text that is one line a sample, each metric in one piece', async () => {
    const { text } = await scrape();
    expect(text.endsWith('\n')).toBe(true);
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const samples = lines.map(
      (line) => /^([a-z_]\w*?)(?:_bucket|_sum|_count)?(?:\{[^}]*\})? -?[\d.]+(?:e[+-]\d+)?$/.exec(line)?.[1],
    );
    // What is no number is prom-client's own, of a process so young that it has nothing to say of its event loop.
    expect(lines.filter((line, index) => samples[index] === undefined && !/^nodejs_eventloop_\w+ Nan$/.test(line))).toEqual([]);
    const seen = samples.filter((name, index) => name !== undefined && name !== samples[index - 1]);
    expect(seen).toEqual([...new Set(seen)]);
  });
});

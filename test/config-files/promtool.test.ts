import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { JOB_DEFAULTS } from '../../src/core/job.ts';
import { Events } from '../../src/engine/events.ts';
import { createCalendar } from '../../src/system/calendar.ts';
import { createSystemClock } from '../../src/system/clock.ts';
import { createMetrics } from '../../src/system/metrics.ts';

const RULES = 'config/alerts.yml';
const CASES = 'test/config-files/alerts.cases.yml';
const PROMTOOL = 'promtool';
const hasPromtool = promtool('--version').status === 0;
if (!hasPromtool)
  console.info('promtool is not on the path, so what it would check is skipped: apt-get install prometheus gives it');

function promtool(...args: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(PROMTOOL, args, { encoding: 'utf8' });
}

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly description: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly { readonly expr: string }[];
}

function panels(): readonly Panel[] {
  return (JSON.parse(readFileSync('config/grafana.json', 'utf8')) as { panels: readonly Panel[] }).panels;
}

function alertNames(): string[] {
  return [...readFileSync(RULES, 'utf8').matchAll(/- alert: (\w+)/g)].map(([, name]) => String(name));
}

describe('the alert rules', () => {
  test.runIf(hasPromtool)('are sound by the word of promtool', () => {
    expect(promtool('check', 'rules', RULES).stdout).toContain(`SUCCESS: ${alertNames().length} rules`);
  });

  test.runIf(hasPromtool)('fire when they should and are silent when they should be', () => {
    const { status, stdout, stderr } = promtool('test', 'rules', CASES);
    expect(stderr + stdout).toContain('SUCCESS');
    expect(status).toBe(0);
  });

  test('have a case of firing and one of silence each', () => {
    const cases = readFileSync(CASES, 'utf8');
    for (const name of alertNames()) {
      expect(cases).toMatch(new RegExp(`alertname: ${name}, eval_time: \\w+, exp_alerts: \\[\\]`));
      expect(cases).toMatch(new RegExp(`alertname: ${name}\\n +eval_time: \\w+\\n +exp_alerts:( &\\w+)?\\n +- exp_labels`));
    }
  });

  test('say what is the matter, what it means, and what to do', () => {
    const rules = readFileSync(RULES, 'utf8').split('- alert: ').slice(1);
    expect(rules.length).toBeGreaterThanOrEqual(8);
    for (const rule of rules) {
      expect(rule).toMatch(/severity: (critical|warning)\n/);
      for (const key of ['summary', 'description', 'runbook']) expect(rule).toMatch(new RegExp(`\\n +${key}: .{20}`));
    }
  });
});

describe('the dashboard', () => {
  test.runIf(hasPromtool)('asks only what Prometheus understands', () => {
    const expressions = panels().flatMap(({ targets }) => targets.map(({ expr }) => expr));
    const rules = expressions.map((expr, index) => ({
      record: `panel:${index}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$job', '.+'),
    }));
    const folder = mkdtempSync(join(tmpdir(), 'tickwise-board-'));
    try {
      const path = join(folder, 'rules.json');
      writeFileSync(path, JSON.stringify({ groups: [{ name: 'board', rules }] }));
      expect(promtool('check', 'rules', path).stdout).toContain(`SUCCESS: ${rules.length} rules`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('lays its panels side by side, none over another, and explains each', () => {
    const cells = panels().flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(panels().filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([]);
    expect(panels().filter(({ title, description }) => title === '' || description === '')).toEqual([]);
  });
});

describe('the exposition', () => {
  test.runIf(hasPromtool)('is read by promtool without complaint', async () => {
    using metrics = createMetrics({
      events: new Events(),
      clock: createSystemClock(),
      calendar: createCalendar(),
      jobs: ['a', 'b.c_d-e'].map((name) => ({ ...JOB_DEFAULTS, name, task: { kind: 'shell', shell: 'true' } })),
      peek: () => ({ nextTickAt: 1_767_225_600_123, isLive: true, isBlocked: false, budgetMs: 800 }),
      version: '1.2.3',
    });
    const { text } = await metrics.text();
    const own = text.slice(0, text.indexOf('# HELP process_'));
    const { status, stderr } = spawnSync(PROMTOOL, ['check', 'metrics'], { input: own, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });
});

import { beforeAll, describe, expect, it } from 'vitest';
import { ALERT_RULES } from '../../examples/s6-operating/alerts.ts';
import { operate, type Operated } from '../../examples/s6-operating/main.ts';
import { rulesThatWatch } from '../../examples/s6-operating/scrape.ts';

let operated: Operated;

beforeAll(async () => {
  operated = await operate();
}, 90_000);

describe('the drill', () => {
  it('sees each planted fault raise its alert and the alert clear, in all three layers', () => {
    expect(operated.drilled.map(({ alert }) => alert)).toEqual([
      'event loop held',
      'run stopped by force',
      'run blocked, its slot taken',
      'job fails again and again',
      'no success for too long',
      'import came back empty',
    ]);
    expect(new Set(operated.drilled.map(({ layer }) => layer))).toEqual(new Set(ALERT_RULES.map(({ layer }) => layer)));
  });

  it('sees the metric of each fault move, and the shipped rule that watches it', () => {
    const seen = operated.drilled.map(({ metric }) => [metric.series, metric.watchedBy]);

    expect(seen).toEqual([
      ['tickwise_loop_stall_seconds_sum', ['TickwiseLoopStalled']],
      ['tickwise_ticks_since_success{job="blocker"}', ['TickwiseNoSuccess']],
      ['tickwise_blocked{job="deaf"}', ['TickwiseBlocked']],
      ['tickwise_ticks_since_success{job="upstream"}', ['TickwiseNoSuccess']],
      ['tickwise_ticks_since_success{job="import"}', ['TickwiseNoSuccess']],
      ['tickwise_runs_total{job="import",outcome="succeeded"}', []],
    ]);
    const least = [1, 2, 1, 2, 2, 8];
    expect(operated.drilled.filter(({ metric }, index) => metric.after - metric.before < (least[index] ?? Infinity))).toEqual([]);
  });

  it('leaves a ledger that kept the promise', () => {
    expect(operated.verified).toContain('no two runs of a job intersect, and every due tick has one outcome');
  });
});

it('lets each caller do what its scope says, and nobody anything without a token', () => {
  const may = { 'list jobs': 200, scrape: 200, submit: 202, pause: 200, cancel: 202 };

  expect(operated.callers).toEqual([
    { caller: 'dashboard', scope: 'read', statuses: { ...may, submit: 403, pause: 403, cancel: 403 } },
    { caller: 'deployer', scope: 'run', statuses: { ...may, pause: 403 } },
    { caller: 'operator', scope: 'admin', statuses: may },
    { caller: 'nobody', scope: 'no token', statuses: { 'list jobs': 401, scrape: 401, submit: 401, pause: 401, cancel: 401 } },
  ]);
});

it('finds the rules that watch a metric by its whole name', () => {
  expect(rulesThatWatch('tickwise_store_failing')).toEqual(['TickwiseStoreErrors']);
  expect(rulesThatWatch('tickwise_store')).toEqual([]);
});

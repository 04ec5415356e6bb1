import { expect, it } from 'vitest';
import { ALERT_RULES } from '../../examples/s6-operating/alerts.ts';
import { operate } from '../../examples/s6-operating/main.ts';

it('sees each planted fault raise its alert and the alert clear, in all three layers, and the ledger keeps the promise', async () => {
  const { drilled, verified } = await operate();

  expect(drilled.map(({ alert }) => alert)).toEqual([
    'event loop held',
    'run stopped by force',
    'run blocked, its slot taken',
    'job fails again and again',
    'no success for too long',
    'import came back empty',
  ]);
  expect(new Set(drilled.map(({ layer }) => layer))).toEqual(new Set(ALERT_RULES.map(({ layer }) => layer)));
  expect(verified).toContain('no two runs of a job intersect, and every due tick has one outcome');
}, 60_000);

/** Alert rules as a table: what is wrong, by which figure, above which limit. Each has a drill that shows that it fires and clears. */
import type { Snapshot } from './monitor.ts';

/** One rule. */
export interface AlertRule {
  readonly name: string;
  readonly layer: 'host' | 'application' | 'business';
  /** Whom or what it is about; empty: all is well. */
  readonly breaches: (snapshot: Snapshot) => readonly string[];
}

/** Limits of the drill; in real life they are a hundred times longer. */
export const LIMITS = { loopDelayMs: 150, failuresInARow: 2, staleMs: 1_500 } as const;

/** The rules. */
export const ALERT_RULES: readonly AlertRule[] = [
  {
    name: 'event loop held',
    layer: 'host',
    breaches: ({ host }) => (host.loopDelayMs > LIMITS.loopDelayMs ? [`${host.loopDelayMs} ms`] : []),
  },
  { name: 'run stopped by force', layer: 'application', breaches: ({ application }) => application.killed },
  { name: 'run blocked, its slot taken', layer: 'application', breaches: ({ application }) => application.blocked },
  {
    name: 'job fails again and again',
    layer: 'application',
    breaches: ({ application }) =>
      [...application.failedInARow]
        .filter(([, times]) => times >= LIMITS.failuresInARow)
        .map(([job, times]) => `${job} ${times} times`),
  },
  {
    name: 'ledger cannot be written',
    layer: 'application',
    breaches: ({ application }) => (application.storeIsDown ? ['store'] : []),
  },
  {
    name: 'no success for too long',
    layer: 'business',
    breaches: ({ business }) => [...business.sinceSuccessMs].filter(([, ms]) => ms > LIMITS.staleMs).map(([job]) => job),
  },
  {
    name: 'import came back empty',
    layer: 'business',
    breaches: ({ business }) => {
      const imported = business.results.get('import') as { readonly orders: number } | undefined;
      return imported?.orders === 0 ? ['import'] : [];
    },
  },
];

/** A storm on a daemon of its own, and what is left when it is over. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Site } from './daemon-process.ts';
import { allRuns, judgeJob, overlapJobs, type Verdict } from './overlap.ts';
import { type Storm, storm } from './storm.ts';

/** What came out. */
export interface Aftermath {
  readonly storm: Storm;
  readonly verdicts: readonly Verdict[];
  /** A line each; empty: the promise was kept. */
  readonly breaches: readonly string[];
}

/** Starts a daemon, lets the storm loose on it, stops it, and judges. */
export async function judgeStorm(
  site: Site,
  options: { readonly forMs: number; readonly clients: number; readonly seed: number },
): Promise<Aftermath> {
  const jobs = overlapJobs(site, 300);
  const history = { maxRunsPerJob: 100_000 };
  let address = '127.0.0.1:0';
  const configure = (reload: number): void =>
    void site.configure({
      listen: address,
      shutdownGrace: '10s',
      history,
      // A changed definition is one that a reload really replaces.
      jobs: Object.fromEntries(Object.entries(jobs).map(([name, job]) => [name, { ...job, description: `reload ${reload}` }])),
    });
  configure(0);
  const daemon = await site.startUp();
  const up = await daemon.line((line) => line.message.endsWith(' is up'));
  const url = String(up['api']);
  // From here on the command line finds it by the configuration.
  address = url.slice('http://'.length);
  configure(0);
  const from = Date.now();
  const happened = await storm(site, daemon, { url, jobs: Object.keys(jobs), ...options, configure });
  await delay(1_000);
  const to = Date.now() - 1_000;
  daemon.signal('SIGTERM');
  const exit = await daemon.exited;

  const breaches = [...happened.faults];
  if (exit !== 0) breaches.push(`the daemon ended with ${exit}: ${daemon.stderr}`);
  if (happened.violations !== 0) breaches.push(`the daemon counted ${happened.violations} violations`);
  breaches.push(...site.alive().map((pid) => `process ${pid} outlived the daemon`));
  await using ledger = await site.ledger();
  const verdicts: Verdict[] = [];
  for (const job of Object.keys(jobs)) {
    const verdict = await judgeJob(site, ledger, job, from, to);
    verdicts.push(verdict);
    breaches.push(...[...verdict.overlaps, ...verdict.unaccounted].map((what) => `${job}: ${what}`));
    const known = new Set((await allRuns(ledger, job)).map(({ id }) => id));
    const answered = happened.submitted.filter((submission) => submission.job === job);
    for (const { runId } of answered)
      if (!known.has(runId)) breaches.push(`${job}: run ${runId} was answered and is not in the ledger`);
    const byKey = Map.groupBy(
      answered.filter(({ key }) => key !== undefined),
      ({ key }) => key,
    );
    for (const [key, same] of byKey) {
      const ids = new Set(same.map(({ runId }) => runId));
      if (ids.size > 1) breaches.push(`${job}: ${key} stands for ${[...ids].join(' and ')}`);
    }
  }
  return { storm: happened, verdicts, breaches };
}

/**
 * Everybody at once: `node test/e2e/storm-drill.ts --seconds 60 --clients 200`. Fifteen jobs each second, in each isolation under each
 * policy, and clients that submit, cancel, pause, resume and look through the API, reloads, and the command line. Judged by what the
 * jobs wrote about themselves and by the ledger. Exit status 1 when anything broke the promise.
 */
import { parseArgs } from 'node:util';
import { HAS_PROC, Site } from './daemon-process.ts';
import { judgeStorm } from './storm-judge.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    clients: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
  },
});
const [seconds, clients, seed] = [Number(values.seconds), Number(values.clients), Number(values.seed)];
if (!HAS_PROC || !(seconds >= 3) || !(clients >= 1) || !Number.isInteger(seed)) {
  console.error(
    'usage: node test/e2e/storm-drill.ts [--seconds N] [--clients N] [--seed N], N at least 3 seconds, on a system with /proc',
  );
  process.exit(2);
}
await using site = new Site();
const { storm, verdicts, breaches } = await judgeStorm(site, { forMs: seconds * 1_000, clients, seed });
console.table(
  Object.fromEntries(
    verdicts.map(({ job, ticks, runs, byState, overlaps, unaccounted }) => [
      job,
      { ticks: ticks.length, runs, ended: JSON.stringify(byState), 'two live': overlaps.length, unaccounted: unaccounted.length },
    ]),
  ),
);
const answers = Object.entries(storm.answers).toSorted(([one], [other]) => one.localeCompare(other));
console.table(Object.fromEntries(answers.map(([what, count]) => [what, { count }])));
console.log(`overlap violations counted online: ${storm.violations}; submissions answered with a run: ${storm.submitted.length}`);
for (const breach of breaches) console.error(breach);
console.log(breaches.length === 0 ? 'the promise was kept' : `${breaches.length} breaches`);
process.exitCode = breaches.length === 0 ? 0 : 1;

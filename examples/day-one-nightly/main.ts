/**
 * Day one: a nightly command with a Healthchecks ping. The command makes a backup; each run is told to a ping server, start and end, and
 * a ping server that hangs does not delay a run.
 *
 * (The configuration has a key `ping` for this, which the daemon does not act upon yet. Until then: from the events, as here, or as
 * a line of the job itself: `{ "shell": "curl -fsS -m 10 URL/start; ./backup.sh && curl -fsS -m 10 URL || curl -fsS -m 10 URL/fail" }`.)
 */
import { createScheduler, type RunEnd } from '../../src/index.ts';
import { answer, listen, readJson } from '../local-server.ts';
import { ping } from './ping.ts';

/** One ping, as the server saw it. */
export interface SeenPing {
  readonly path: string;
  readonly rid: string | null;
}

/** What came out. */
export interface Nights {
  readonly runs: readonly RunEnd[];
  readonly pings: readonly SeenPing[];
  /** The ping server never answered during this run. */
  readonly withDeadServer: RunEnd;
  readonly pingFailures: number;
}

/** Runs a good night, a bad night, and one in which the ping server hangs. */
export async function nights(
  command: readonly string[] = ['sh', '-c', 'echo "backup of $TICKWISE_JOB"; exit "$EXIT"'],
): Promise<Nights> {
  const pings: SeenPing[] = [];
  await using server = await listen(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://local');
    await readJson(request).catch(() => undefined);
    pings.push({ path: pathname, rid: searchParams.get('rid') });
    answer(response, 200, 'OK');
  });
  await using hanging = await listen(() => {});
  const job = (exit: number): object => ({
    schedule: { cron: '0 3 * * *', timezone: 'Europe/Berlin' },
    task: { command, env: { EXIT: String(exit) } },
    budget: '1h',
  });
  await using scheduler = createScheduler({
    store: 'memory:',
    listen: false,
    jobs: { good: job(0), bad: job(1), alone: job(0) },
  });
  await scheduler.start();
  // For the show, tonight is now. A trigger goes through the same gate as a tick.
  const run = async (name: string): Promise<RunEnd> => {
    const asked = await scheduler.trigger(name, { by: 'the example' });
    if (asked.kind === 'refused') throw new Error(asked.reason);
    return scheduler.waitForEnd(asked.runId);
  };

  const runs: RunEnd[] = [];
  for (const name of ['good', 'bad']) {
    await using _pings = ping(scheduler, { job: name, url: `${server.url}/ping/${name}` });
    runs.push(await run(name));
  }
  let pingFailures = 0;
  const dead = ping(scheduler, { job: 'alone', url: hanging.url, timeoutMs: 500, onFailure: () => pingFailures++ });
  const withDeadServer = await run('alone');
  await dead[Symbol.asyncDispose]();
  return { runs, pings, withDeadServer, pingFailures };
}

if (import.meta.main) {
  const { runs, pings, withDeadServer, pingFailures } = await nights();
  for (const { job, outcome, error } of runs) {
    console.log(`${job}: ${outcome}${error === undefined ? '' : ` (${error.message})`}`);
    for (const { path, rid } of pings.filter((seen) => seen.path.startsWith(`/ping/${job}`)))
      console.log(`  POST ${path}  rid=${rid}`);
  }
  const { outcome, startedAt = 0, endedAt } = withDeadServer;
  console.log(
    `with a ping server that hangs: ${outcome} after ${endedAt - startedAt} ms; ${pingFailures} pings given up, the run never waited`,
  );
}

/**
 * Day one: a nightly command with a Healthchecks ping. The command makes a backup; the job's `ping` tells each run's start and end to a
 * ping server, with the exit status of a bad one, and a ping server that hangs does not delay a run.
 */
import { createScheduler, type RunEnd } from '../../src/index.ts';
import { answer, listen, readJson } from '../local-server.ts';

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
  /** Requests that it had got when the run had ended, none of them answered. */
  readonly unanswered: number;
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
  let unanswered = 0;
  await using hanging = await listen(() => void unanswered++);
  const job = (exit: number, ping: string): object => ({
    schedule: { cron: '0 3 * * *', timezone: 'Europe/Berlin' },
    task: { command, env: { EXIT: String(exit) } },
    budget: '1h',
    ping,
  });
  const scheduler = createScheduler({
    store: 'memory:',
    listen: false,
    jobs: {
      good: job(0, `${server.url}/ping/good`),
      bad: job(1, `${server.url}/ping/bad`),
      alone: job(0, hanging.url),
    },
  });
  await scheduler.start();
  // For the show, tonight is now. A trigger goes through the same gate as a tick.
  const run = async (name: string): Promise<RunEnd> => {
    const asked = await scheduler.trigger(name, { by: 'the example' });
    if (asked.kind === 'refused') throw new Error(asked.reason);
    return scheduler.waitForEnd(asked.runId);
  };

  const runs = [await run('good'), await run('bad')];
  const withDeadServer = await run('alone');
  // What is under way is given a moment; a run was never kept by it.
  await scheduler.stop();
  return { runs, pings, withDeadServer, unanswered };
}

if (import.meta.main) {
  const { runs, pings, withDeadServer, unanswered } = await nights();
  for (const { job, outcome, error } of runs) {
    console.log(`${job}: ${outcome}${error === undefined ? '' : ` (${error.message})`}`);
    for (const { path, rid } of pings.filter((seen) => seen.path.startsWith(`/ping/${job}`)))
      console.log(`  POST ${path}  rid=${rid}`);
  }
  const { outcome, startedAt = 0, endedAt } = withDeadServer;
  console.log(
    `with a ping server that hangs: ${outcome} after ${endedAt - startedAt} ms; ${unanswered} pings unanswered, the run never waited`,
  );
}

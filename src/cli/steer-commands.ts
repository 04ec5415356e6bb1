/** The commands that steer a running daemon, or ask it what only it knows. */
import { Argument, type Command } from 'commander';
import { command, type Given, remoteOptions, withDaemon, withJson } from './command.ts';
import { parseBudget, parseKey } from './option.ts';
import type { TriggerOptions } from './trigger.ts';

/** Declares `trigger`, `cancel`, `pause`, `resume` and `why`. @param program to which they belong */
export function addSteerCommands(program: Command): void {
  steer(program, 'trigger <job>', 'start a run now; refused while another run of the job is live, unless the job queues', [
    'tickwise trigger nightly-report --wait',
    `tickwise trigger nightly-report --input '{"day": "2026-03-28"}' --budget 10m`,
    'tickwise trigger nightly-report --input @day.json --idempotency-key deploy-4711',
  ])
    .option('--input <json>', "what the steps find as context.input; @FILE reads a file, - standard input (default: the job's)")
    .option('--budget <duration>', "how long the run may start steps, e.g. 30s, 5m; at most the job's own", parseBudget)
    .option('--wait', 'wait for the end, and exit 0 only if the run succeeded or goes on at the next tick')
    .option('--idempotency-key <key>', 'asking again with the same key within 24 hours starts nothing new', parseKey)
    .action(async (job: string, given: Given & Omit<TriggerOptions, 'json'>) => {
      const { trigger } = await import('./trigger.ts');
      process.exitCode = await trigger(remoteOptions(given), job, { ...given, json: given.json === true });
    });

  steer(program, 'cancel', 'ask a run, or all runs of a job, to stop; queued ones are withdrawn', [
    'tickwise cancel nightly-report',
    'tickwise cancel 0mhxw3k1c-1a2b3c4',
  ])
    .addArgument(new Argument('<run-or-job>', 'a job, a run, or a part of its id that no other id holds'))
    .action(async (what: string, given: Given) => {
      const { cancel } = await import('./cancel.ts');
      process.exitCode = await cancel(remoteOptions(given), what, { json: given.json === true });
    });

  for (const verb of ['pause', 'resume'] as const) {
    const description =
      verb === 'pause'
        ? 'let the ticks of a job pass without runs; a live run goes on, and it can still be triggered'
        : 'let the ticks of a job start runs again';
    steer(program, `${verb} <job>`, description, [`tickwise ${verb} nightly-report`]).action(
      async (job: string, given: Given) => {
        const { setPaused } = await import('./pause.ts');
        process.exitCode = await setPaused(remoteOptions(given), job, { paused: verb === 'pause', json: given.json === true });
      },
    );
  }

  steer(program, 'why <job>', 'say in words why a job is, or is not, running now', ['tickwise why nightly-report']).action(
    async (job: string, given: Given) => {
      const { why } = await import('./why.ts');
      process.exitCode = await why(remoteOptions(given), job, { json: given.json === true });
    },
  );
}

function steer(program: Command, usage: string, description: string, examples: readonly string[]): Command {
  return withDaemon(withJson(command(program, usage, description, examples)));
}

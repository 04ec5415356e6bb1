/** The commands that look: at the jobs, at runs, at their lines. They ask the daemon, and read the store while none runs. */
import { type Command, Option } from 'commander';
import { command, type Given, remoteOptions, withDaemon, withJson } from './command.ts';
import { KEPT_STATES, parseCount, parseInstant, parseState } from './option.ts';
import type { RunsOptions } from './runs.ts';

/** Declares `list`, `runs`, `show` and `logs`. @param program to which they belong */
export function addLedgerCommands(program: Command): void {
  look(program, 'list', 'show the jobs: state, last outcome, next tick', ['tickwise list', 'tickwise list --json'])
    .option('--names', 'print nothing but the names of the configuration')
    .action(async (given: Given & { readonly names?: boolean }) => {
      const { list, listNames } = await import('./list.ts');
      const remote = remoteOptions(given);
      process.exitCode = await (given.names === true ? listNames(remote) : list(remote, { json: given.json === true }));
    });

  look(program, 'runs [job]', 'show runs from the ledger, newest first', [
    'tickwise runs nightly-report -n 5',
    'tickwise runs --state failed --from 2026-03-28 --json',
  ])
    .option('-n, --count <number>', 'runs to show', parseCount, 20)
    .addOption(
      new Option('--state <state>', 'only those in this state or with this outcome').choices(KEPT_STATES).argParser(parseState),
    )
    .option('--from <instant>', 'only those of ticks from this instant on, ISO 8601; UTC where no offset is given', parseInstant)
    .option('--to <instant>', 'only those of ticks before this instant', parseInstant)
    .action(async (job: string | undefined, given: Given & Omit<RunsOptions, 'json'>) => {
      const { runs } = await import('./runs.ts');
      process.exitCode = await runs(remoteOptions(given), job, { ...given, json: given.json === true });
    });

  look(program, 'show <run>', 'show all of one run; any part of its id will do, if no other id holds it', [
    'tickwise show 0mhxw3k1c-1a2b3c4',
  ]).action(async (run: string, given: Given) => {
    const { show } = await import('./show.ts');
    process.exitCode = await show(remoteOptions(given), run, { json: given.json === true });
  });

  look(program, 'logs <run>', 'show what a run has written, line by line', [
    'tickwise logs 0mhxw3k1c-1a2b3c4',
    'tickwise logs 1a2b3c4 -f',
  ])
    .option('-f, --follow', 'go on until the run has ended')
    .action(async (run: string, given: Given & { readonly follow?: boolean }) => {
      const { logs } = await import('./logs.ts');
      process.exitCode = await logs(remoteOptions(given), run, { json: given.json === true, follow: given.follow === true });
    });
}

function look(program: Command, usage: string, description: string, examples: readonly string[]): Command {
  return withDaemon(withJson(command(program, usage, description, examples)));
}

/** The commands, their options and examples. Each command's code is loaded when it is asked for. */
import { Command, CommanderError } from 'commander';
import type { CheckpointOptions } from './checkpoint.ts';
import { EXIT, reportFailure } from './exit.ts';
import { parseCount, parseInstant, parseState } from './option.ts';
import type { NextOptions } from './next.ts';
import type { RunsOptions } from './runs.ts';

interface Given {
  readonly config?: string;
  readonly json?: boolean;
}

/**
 * Carries out one command line, and sets the exit code of the process; `run` ends the process itself.
 *
 * @param args what follows the program's name
 * @param version of this program
 */
export async function runProgram(args: readonly string[], version: string): Promise<void> {
  process.stdout.on('error', endWithReader);
  try {
    await commands(version).parseAsync(args, { from: 'user' });
  } catch (thrown) {
    // Commander has written its line, or the help that was asked for.
    process.exitCode = thrown instanceof CommanderError ? (thrown.exitCode === 0 ? EXIT.ok : EXIT.usage) : reportFailure(thrown);
  }
}

/** Whoever reads the output has had enough, as `head` does. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
}

function commands(version: string): Command {
  const program = new Command('tickwise')
    .description('A cron scheduler whose runs never overlap.')
    .version(version, '-V, --version')
    .exitOverride();
  program.configureOutput({ outputError: (text, write) => write(oneLine(text)) });

  command(program, 'run', 'run the daemon in the foreground', ['tickwise run --config ./scheduler.config.json']).action(
    async (given: Given) => {
      // A daemon outlives whoever reads its log; the log deals with a stream that is gone.
      process.stdout.off('error', endWithReader);
      const { run } = await import('./run.ts');
      // What inline tasks left open shall not keep a drained daemon.
      process.exit(await run(configPath(given), version));
    },
  );

  withJson(
    command(program, 'validate', 'check the configuration, and show everything that is wrong with it', ['tickwise validate']),
  ).action(async (given: Given) => {
    const { validate } = await import('./validate.ts');
    process.exitCode = validate(configPath(given), { json: given.json === true });
  });

  withJson(
    command(program, 'next [job]', 'show coming ticks, in local time and UTC, with the changes of the clock', [
      'tickwise next nightly-report -n 5',
      'tickwise next --from 2026-03-28T12:00:00Z',
    ]),
  )
    .option('-n, --count <number>', 'ticks to show (default: 10 of one job, 20 of all)', parseCount)
    .option('--from <instant>', 'ticks after this instant, ISO 8601; UTC where no offset is given (default: now)', parseInstant)
    .action(async (job: string | undefined, given: Given & Omit<NextOptions, 'json'>) => {
      const { next } = await import('./next.ts');
      process.exitCode = next(configPath(given), job, { ...given, json: given.json === true });
    });

  command(program, 'init', 'write a small configuration and an example job', ['tickwise init && tickwise run']).action(
    async (given: Given) => {
      const { init } = await import('./init.ts');
      process.exitCode = init(configPath(given));
    },
  );

  withJson(command(program, 'list', 'show the jobs: state, last outcome, next tick', ['tickwise list'])).action(
    async (given: Given) => {
      const { list } = await import('./list.ts');
      process.exitCode = await list(configPath(given), { json: given.json === true });
    },
  );

  withJson(
    command(program, 'runs [job]', 'show runs from the ledger, newest first', [
      'tickwise runs nightly-report -n 5',
      'tickwise runs --state failed --from 2026-03-28 --json',
    ]),
  )
    .option('-n, --count <number>', 'runs to show', parseCount, 20)
    .option('--state <state>', 'only those in this state or with this outcome', parseState)
    .option('--from <instant>', 'only those of ticks from this instant on, ISO 8601; UTC where no offset is given', parseInstant)
    .option('--to <instant>', 'only those of ticks before this instant', parseInstant)
    .action(async (job: string | undefined, given: Given & Omit<RunsOptions, 'json'>) => {
      const { runs } = await import('./runs.ts');
      process.exitCode = await runs(configPath(given), job, { ...given, json: given.json === true });
    });

  withJson(
    command(program, 'show <run>', 'show all of one run; any part of its id will do, if no other id holds it', [
      'tickwise show 0mhxw3k1c-1a2b3c4',
    ]),
  ).action(async (run: string, given: Given) => {
    const { show } = await import('./show.ts');
    process.exitCode = await show(configPath(given), run, { json: given.json === true });
  });

  withJson(
    command(program, 'checkpoint <job>', 'show what the next run of a job starts from, set it or clear it', [
      'tickwise checkpoint nightly-report',
      `tickwise checkpoint nightly-report --set '{"page": 12}'`,
    ]),
  )
    .option('--clear', 'let the next run start afresh; no daemon may run meanwhile')
    .option('--set <json>', 'let the next run start from this; "-" reads it from standard input')
    .action(async (job: string, given: Given & Omit<CheckpointOptions, 'json'>) => {
      const { checkpoint } = await import('./checkpoint.ts');
      process.exitCode = await checkpoint(configPath(given), job, { ...given, json: given.json === true });
    });

  withJson(
    command(program, 'verify', 'prove from the ledger that no two runs of a job intersect and every due tick has one outcome', [
      'tickwise verify',
    ]),
  ).action(async (given: Given) => {
    const { verify } = await import('./verify.ts');
    process.exitCode = await verify(configPath(given), { json: given.json === true });
  });

  command(program, 'backup <file>', 'write a copy of the ledger, also while the daemon runs', [
    'tickwise backup ledger-2026-03-28.db',
  ]).action(async (file: string, given: Given) => {
    const { backup } = await import('./backup.ts');
    process.exitCode = await backup(configPath(given), file);
  });
  return program;
}

function command(program: Command, usage: string, description: string, examples: readonly string[]): Command {
  const lines = examples.map((example) => `  $ ${example}`);
  return program
    .command(usage)
    .description(description)
    .option('--config <file>', 'configuration file (default: $TICKWISE_CONFIG, or ./scheduler.config.json)')
    .addHelpText('after', `\n${examples.length === 1 ? 'Example' : 'Examples'}:\n${lines.join('\n')}`);
}

function withJson(of: Command): Command {
  return of.option('--json', 'print JSON');
}

function configPath({ config }: Given): string {
  return config ?? process.env['TICKWISE_CONFIG'] ?? 'scheduler.config.json';
}

/** Commander puts what was meant on a line of its own. */
function oneLine(text: string): string {
  return `${text
    .trim()
    .replace(/^error: /, 'tickwise: ')
    .replace(/\s*\n\s*/g, ' ')}; see "tickwise --help"\n`;
}

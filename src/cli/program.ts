/** The commands, their options and examples. Each command's code is loaded when it is asked for. */
import { Argument, Command, CommanderError, Option } from 'commander';
import type { CheckpointOptions } from './checkpoint.ts';
import { command, configPath, type Given, withExamples, withJson } from './command.ts';
import { completion, type Shell, SHELLS } from './completion.ts';
import { EXIT, reportFailure } from './exit.ts';
import { addLedgerCommands } from './ledger-commands.ts';
import type { NextOptions } from './next.ts';
import { parseCount, parseInstant, parseScopes, parseTokenName, SCOPES } from './option.ts';
import { addSteerCommands } from './steer-commands.ts';
import type { TokenOptions } from './token.ts';

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

  addLedgerCommands(program);
  addSteerCommands(program);

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

  addSetUpCommands(program);
  return program;
}

function addSetUpCommands(program: Command): void {
  const token = withExamples(program.command('token').description('make tokens of the API'), ['tickwise token new --name ci']);
  withJson(
    withExamples(token.command('new').description('make a token; it is shown once, and the configuration keeps its hash alone'), [
      'tickwise token new --name ci --scopes read,run',
    ]),
  )
    .option('--name <name>', 'who will use it; kept in the ledger with what is asked by it', parseTokenName, 'cli')
    .addOption(
      new Option('--scopes <list>', 'what it allows, e.g. read,run')
        .choices(SCOPES)
        .argParser(parseScopes)
        .default(['read'], 'read'),
    )
    .action(async (given: TokenOptions) => {
      const { newToken } = await import('./token.ts');
      process.exitCode = newToken(given);
    });

  withExamples(
    program.command('completion').description('print what a shell needs to complete command lines and names of jobs'),
    [
      'source <(tickwise completion bash)',
      'tickwise completion zsh > "${fpath[1]}/_tickwise"',
      'tickwise completion fish > ~/.config/fish/completions/tickwise.fish',
    ],
  )
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .action((shell: Shell) => {
      process.stdout.write(completion(program, shell));
    });
}

/** Commander puts what was meant on a line of its own. */
function oneLine(text: string): string {
  return `${text
    .trim()
    .replace(/^error: /, 'tickwise: ')
    .replace(/\s*\n\s*/g, ' ')}; see "tickwise --help"\n`;
}

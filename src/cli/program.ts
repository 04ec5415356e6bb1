/** The commands, their options and examples. Each command's code is loaded when it is asked for. */
import { Command, CommanderError } from 'commander';
import { EXIT, reportFailure } from './exit.ts';
import { configPath } from './settings.ts';

interface Common {
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
  const program = commands(version);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (thrown) {
    // Commander has written its line, or the help that was asked for.
    process.exitCode = thrown instanceof CommanderError ? (thrown.exitCode === 0 ? EXIT.ok : EXIT.usage) : reportFailure(thrown);
  }
}

function commands(version: string): Command {
  const program = new Command('tickwise')
    .description('A cron scheduler whose runs never overlap.')
    .version(version, '-V, --version')
    .exitOverride()
    .showHelpAfterError('(tickwise --help lists the commands)');

  command(program, 'run', 'run the daemon in the foreground', 'tickwise run --config ./scheduler.config.json').action(
    async (options: Common) => {
      const { run } = await import('./run.ts');
      // What inline tasks left open shall not keep a drained daemon.
      process.exit(await run(configPath(options.config), version));
    },
  );
  return program;
}

function command(program: Command, usage: string, description: string, example: string): Command {
  return program
    .command(usage)
    .description(description)
    .option('--config <file>', 'configuration file (default: $TICKWISE_CONFIG or ./scheduler.config.json)')
    .addHelpText('after', `\nExample:\n  $ ${example}`);
}

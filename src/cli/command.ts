/** What all commands have in common: how they are declared, and what each may be told. */
import type { Command } from 'commander';
import type { RemoteOptions } from './target.ts';

/** Options that several commands know. */
export interface Given {
  readonly config?: string;
  readonly json?: boolean;
  readonly url?: string;
  readonly tokenFile?: string;
}

/**
 * Declares a command that knows `--config`.
 *
 * @param program to which it belongs
 * @param usage its name and arguments
 * @param description one line without a full stop
 * @param examples at least one whole command line
 * @returns the command, to be given its own options and its action
 */
export function command(program: Command, usage: string, description: string, examples: readonly string[]): Command {
  return withExamples(program.command(usage).description(description), examples).option(
    '--config <file>',
    'configuration file (default: $TICKWISE_CONFIG, or ./scheduler.config.json)',
  );
}

/** @param of a command @param examples whole command lines, shown below its help @returns the command */
export function withExamples(of: Command, examples: readonly string[]): Command {
  const lines = examples.map((example) => `  $ ${example}`);
  return of.addHelpText('after', `\n${examples.length === 1 ? 'Example' : 'Examples'}:\n${lines.join('\n')}`);
}

/** @param of a command that prints a table or a thing @returns the command, which knows `--json` */
export function withJson(of: Command): Command {
  return of.option('--json', 'print JSON');
}

/** @param of a command that asks the daemon @returns the command, which knows where it is and who asks */
export function withDaemon(of: Command): Command {
  return of
    .option(
      '--url <url>',
      'the daemon, as http://HOST:PORT, https://HOST:PORT or unix:PATH (default: where the configuration says)',
    )
    .option('--token-file <file>', 'file that holds the token of the API (default: $TICKWISE_TOKEN, or none)');
}

/** @param given options of a command @returns the path of the configuration file */
export function configPath({ config }: Given): string {
  return config ?? process.env['TICKWISE_CONFIG'] ?? 'scheduler.config.json';
}

/** @param given options of a command @returns where the daemon is, and as whom to ask */
export function remoteOptions(given: Given): RemoteOptions {
  return { config: configPath(given), url: given.url, tokenFile: given.tokenFile };
}

/** `tickwise token new`: a token of the API, shown once. */
import { makeToken } from '../http/token.ts';
import { EXIT } from './exit.ts';
import { printJson } from './format.ts';

/** What `token new` may be told. */
export interface TokenOptions {
  readonly json?: boolean;
  readonly name: string;
  readonly scopes: readonly ('read' | 'run' | 'admin')[];
}

/**
 * Makes a token, and prints it with the line by which a configuration knows it. Nothing is written anywhere.
 *
 * @param options who shall use it, and for what
 * @returns 0
 */
export function newToken({ name, scopes, json }: TokenOptions): number {
  const { token, hash } = makeToken();
  const entry = { name, hash, scopes };
  if (json === true) {
    printJson({ token, ...entry });
    return EXIT.ok;
  }
  console.log(token);
  console.error(
    `It is shown this once. Give it as TICKWISE_TOKEN or by --token-file. In the configuration, and then restart the daemon:`,
  );
  console.log(`"auth": { "tokens": [${JSON.stringify(entry)}] }`);
  return EXIT.ok;
}

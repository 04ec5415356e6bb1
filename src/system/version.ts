/** Which version of this package runs. */
import { readFileSync } from 'node:fs';

/**
 * Reads the version from the package's own description, beside `src/` and `dist/` alike.
 *
 * @returns e.g. `0.1.0`
 * @throws Error when the package is torn apart
 */
export function readVersion(): string {
  return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;
}

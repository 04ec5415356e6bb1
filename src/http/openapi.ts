/** Makes `config/openapi.json`, from which clients are generated. Run it with `--write` after a change of a route. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Control } from '../core/control.ts';
import type { Clock } from '../core/ports.ts';
import { documentText } from './openapi-document.ts';
import { createRoutes } from './routes.ts';

/** Where the generated file is kept. */
export const OPENAPI_FILE: string = fileURLToPath(new URL('../../config/openapi.json', import.meta.url));

/**
 * The document of the API as text.
 *
 * @returns the text of the generated file, with a line break at its end
 */
export function openApiText(): string {
  // Routes ask nobody before the first request, and none comes here.
  return documentText(createRoutes({} as Control, { clock: {} as Clock }));
}

if (import.meta.main) {
  if (process.argv.includes('--write')) writeFileSync(OPENAPI_FILE, openApiText());
  else process.stdout.write(openApiText());
}

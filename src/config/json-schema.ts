/** Makes `config/scheduler.schema.json`, which editors read. Run it with `--write` after a change of `schema.ts`. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { jsonSchema } from './schema.ts';

/** Where the generated file is kept. */
export const JSON_SCHEMA_FILE: string = fileURLToPath(new URL('../../config/scheduler.schema.json', import.meta.url));

/**
 * The JSON schema of `scheduler.config.json` as text.
 *
 * @returns the text of the generated file, with a line break at its end
 */
export function jsonSchemaText(): string {
  return `${JSON.stringify(jsonSchema(), null, 2)}\n`;
}

if (import.meta.main) {
  if (process.argv.includes('--write')) writeFileSync(JSON_SCHEMA_FILE, jsonSchemaText());
  else process.stdout.write(jsonSchemaText());
}

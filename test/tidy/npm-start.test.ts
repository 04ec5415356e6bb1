import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  scripts: Record<string, string>;
};

test('npm start puts the daemon in the place of the shell, so that a signal reaches it and its exit code comes back', () => {
  expect(scripts['start']).toBe('exec node src/cli/main.ts run');
});

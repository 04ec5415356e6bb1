import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const PROGRAM = fileURLToPath(new URL('./fixtures/proof-without-files.ts', import.meta.url));

it.runIf(existsSync('/proc/self/stat'))(
  'takes nothing for gone while no file can be opened, and finds it again afterwards',
  () => {
    const line = 'ulimit -n 64; exec "$0" "$1"';
    const told = execFileSync('sh', ['-c', line, process.execPath, PROGRAM], { encoding: 'utf8' });
    expect(JSON.parse(told)).toEqual({ refused: ['EMFILE'], proved: [], afterwards: true });
  },
);

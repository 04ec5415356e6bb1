/** The program as it is published: compiled, so that Node has no types to strip. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../', import.meta.url));

/** A build of its own, which goes when it is disposed of: one that lies about may be old. */
export interface Built extends Disposable {
  readonly program: string;
}

/**
 * Compiles the sources, below the root of the checkout so that they find their packages.
 *
 * @returns where the program is
 * @throws Error when the compiler writes none
 */
export function buildProgram(): Built {
  const parent = join(ROOT, 'var');
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'bench-build-'));
  const program = join(folder, 'dist/cli/main.js');
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const { stdout } = spawnSync(process.execPath, [
    tsc,
    '-p',
    join(ROOT, 'tsconfig.build.json'),
    '--outDir',
    join(folder, 'dist'),
  ]);
  copyFileSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  if (!existsSync(program)) throw new Error(`the compiler wrote no program: ${String(stdout)}`);
  return { program, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../../config/jobs/disk-usage.sh', import.meta.url));

interface Usage {
  readonly filesystem: string;
  readonly mountedOn: string;
  readonly sizeKiB: number;
  readonly usedKiB: number;
  readonly availableKiB: number;
  readonly usedPercent: number;
  readonly paths: readonly { readonly path: string; readonly usedKiB: number | null }[];
}

interface Bundle extends Disposable {
  readonly folder: string;
  readonly resultFile: string;
  run(
    paths: readonly string[],
    env?: Record<string, string>,
  ): { readonly status: number | null; readonly stdout: string; readonly stderr: string };
}

function setup(): Bundle {
  const folder = mkdtempSync(join(tmpdir(), 'disk-usage-'));
  const resultFile = join(folder, 'result file.json');
  return {
    folder,
    resultFile,
    run: (paths, env = { TICKWISE_RESULT_FILE: resultFile }) =>
      spawnSync('sh', [SCRIPT, ...paths], { cwd: folder, env: { PATH: process.env['PATH'], ...env }, encoding: 'utf8' }),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

/** A stand-in for `df` that prints the given line below its heading. */
function withDf(bundle: Bundle, line: string): Record<string, string> {
  const bin = join(bundle.folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'line'), `Filesystem 1024-blocks Used Available Capacity Mounted on\n${line}\n`);
  writeFileSync(join(bin, 'df'), `#!/bin/sh\ncat '${join(bin, 'line')}'\n`, { mode: 0o755 });
  return { PATH: `${bin}:${process.env['PATH']}`, TICKWISE_RESULT_FILE: bundle.resultFile };
}

const resultOf = (bundle: Bundle): Usage => JSON.parse(readFileSync(bundle.resultFile, 'utf8')) as Usage;

it('writes the file system and the size of each path to the result file, and says nothing', () => {
  using bundle = setup();
  mkdirSync(join(bundle.folder, 'data'));
  writeFileSync(join(bundle.folder, 'data', 'file'), Buffer.alloc(300_000, 'x'));
  expect(bundle.run(['.', 'data'])).toMatchObject({ status: 0, stdout: '', stderr: '' });
  const usage = resultOf(bundle);
  expect(usage.mountedOn).toMatch(/^\//);
  expect(usage.sizeKiB).toBeGreaterThan(0);
  expect(usage.usedKiB + usage.availableKiB).toBeLessThanOrEqual(usage.sizeKiB);
  expect(usage.usedPercent).toBeLessThanOrEqual(100);
  expect(usage.paths.map(({ path }) => path)).toEqual(['.', 'data']);
  expect(usage.paths[1]?.usedKiB).toBeGreaterThanOrEqual(293);
});

it('writes to standard output when there is no result file', () => {
  using bundle = setup();
  const { status, stdout } = bundle.run(['.'], {});
  expect(status).toBe(0);
  expect((JSON.parse(stdout) as Usage).paths).toHaveLength(1);
});

it('tells a path that does not exist from an empty one', () => {
  using bundle = setup();
  mkdirSync(join(bundle.folder, 'empty'));
  bundle.run(['.', 'empty', 'nowhere']);
  expect(resultOf(bundle).paths).toMatchObject([{}, { usedKiB: expect.any(Number) }, { path: 'nowhere', usedKiB: null }]);
});

it('writes valid JSON for paths with quotes, backslashes, blanks, umlauts and a leading hyphen', () => {
  using bundle = setup();
  const names = ['a "b" \\c', '-rf', 'zwölf', '$(touch x)', '%s'];
  for (const name of names) mkdirSync(join(bundle.folder, name));
  expect(bundle.run(names).status).toBe(0);
  expect(resultOf(bundle).paths.map(({ path, usedKiB }) => usedKiB !== null && path)).toEqual(names);
});

it('reads names with blanks on both sides of the numbers', () => {
  using bundle = setup();
  const env = withDf(bundle, '//server/my share    1000      900       -5      100%    /Volumes/My "Disk" 7');
  expect(bundle.run(['.'], env).status).toBe(0);
  expect(resultOf(bundle)).toMatchObject({
    filesystem: '//server/my share',
    mountedOn: '/Volumes/My "Disk" 7',
    sizeKiB: 1000,
    usedKiB: 900,
    availableKiB: -5,
    usedPercent: 100,
  });
});

it('fails with one line, and writes no result, when df says what cannot be read', () => {
  using bundle = setup();
  const { status, stderr } = bundle.run(['.'], withDf(bundle, 'nonsense'));
  expect(status).toBe(1);
  expect(stderr).toBe('disk-usage: df says nothing that can be read about .\n');
  expect(() => resultOf(bundle)).toThrow('ENOENT');
});

it('fails when it is given no path', () => {
  using bundle = setup();
  expect(bundle.run([])).toMatchObject({ status: 2, stderr: 'disk-usage: name at least one path\n' });
});

import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { Folder } from './command-line.ts';

it('writes a configuration that is sound and names its schema', async () => {
  using folder = new Folder();

  const { code } = await folder.tickwise('init');

  expect(code).toBe(0);
  expect((await folder.tickwise('validate')).out).toBe('ok: 2 jobs in scheduler.config.json\n');
  const text = readFileSync(join(folder.dir, 'scheduler.config.json'), 'utf8');
  const schema = /"\$schema": "(.*)"/.exec(text)?.[1] ?? '';
  expect(existsSync(resolve(folder.dir, schema))).toBe(true);
});

it('writes a job that can be imported at once, in a folder without a package', async () => {
  using folder = new Folder();
  await folder.tickwise('init');
  const ran = await folder.program(process.execPath, [
    '--input-type=module',
    '--eval',
    `const { default: task } = await import('./jobs/hello.mjs');
     console.log(JSON.stringify(await task.handleTimeoutTask({ checkpoint: 2, input: { upTo: 10 }, log: console })));`,
  ]);
  expect(ran.out).toBe('hello, number 3\n{"done":false,"checkpoint":3,"progress":{"completed":3,"total":10}}\n');
});

it('names the schema of the installed package where there is one', async () => {
  using folder = new Folder();
  folder.write('node_modules/tickwise/config/scheduler.schema.json', '{}');
  await folder.tickwise('init');
  expect(readFileSync(join(folder.dir, 'scheduler.config.json'), 'utf8')).toContain(
    '"$schema": "./node_modules/tickwise/config/scheduler.schema.json"',
  );
});

it.each(['scheduler.config.json', 'jobs/hello.mjs'])('overwrites no %s, and exits 4', async (name) => {
  using folder = new Folder();
  folder.write(name, 'mine');

  const { code, err } = await folder.tickwise('init');

  expect(code).toBe(4);
  expect(err).toMatch(new RegExp(`^tickwise: ${name}: .*\n$`));
  expect(readFileSync(join(folder.dir, name), 'utf8')).toBe('mine');
});

it('writes beside the file that --config names', async () => {
  using folder = new Folder();
  mkdirSync(join(folder.dir, 'there'));
  const { code, out } = await folder.tickwise('init', '--config', 'there/my.json');
  expect(code).toBe(0);
  expect(out).toContain('tickwise run --config there/my.json');
  expect(existsSync(join(folder.dir, 'there', 'jobs', 'hello.mjs'))).toBe(true);
});

import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { createLog, type Log, type LogOptions } from '../../src/system/log.ts';

interface Bundle extends AsyncDisposable {
  readonly folder: string;
  readonly path: string;
  readonly stream: Writable;
  lines(): string[];
  open(options?: Partial<LogOptions>): Log;
}

async function setup(): Promise<Bundle> {
  const folder = await mkdtemp(join(tmpdir(), 'tickwise-log-'));
  const chunks: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk.toString());
      done();
    },
  });
  return {
    folder,
    path: join(folder, 'deep', 'tickwise.log'),
    stream,
    lines: () => chunks.join('').split('\n').slice(0, -1),
    open: (options) => createLog({ level: 'info', format: 'json', stream, colour: false, ...options }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

function messagesIn(lines: readonly string[]): string[] {
  return lines.map((line) => (JSON.parse(line) as { message: string }).message);
}

async function fileLines(path: string): Promise<string[]> {
  return (await readFile(path, 'utf8')).split('\n').slice(0, -1);
}

describe('the log', () => {
  test('writes lines of its level and above, in order', async () => {
    await using bundle = await setup();
    const log = bundle.open({ level: 'warn' });
    log.debug('a');
    log.info('b');
    log.warn('c');
    log.error('d');
    await log.flush();
    expect(messagesIn(bundle.lines())).toEqual(['c', 'd']);
  });

  test('adds the fields of a child to each of its lines', async () => {
    await using bundle = await setup();
    const log = bundle.open().child({ job: 'backup' }).child({ runId: 'r1', fence: 2 });
    log.info('step', { fence: 3 });
    await log.flush();
    expect(JSON.parse(bundle.lines()[0] ?? '')).toMatchObject({ message: 'step', job: 'backup', runId: 'r1', fence: 3 });
  });

  test('has every line on the stream once flush resolves', async () => {
    await using bundle = await setup();
    const log = bundle.open();
    for (let index = 0; index < 5_000; index++) log.info(`line ${index}`);
    await log.flush();
    expect(messagesIn(bundle.lines())).toEqual(Array.from({ length: 5_000 }, (_, index) => `line ${index}`));
  });

  test('outlives a stream that breaks', async () => {
    await using bundle = await setup();
    const stream = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) });
    const log = bundle.open({ stream });
    log.info('a');
    await log.flush();
    log.info('b');
    await log.flush();
    expect(stream.errored?.message).toBe('EPIPE');
  });

  test('gives up lines that a stuck stream cannot take, and says how many once it moves', async () => {
    await using bundle = await setup();
    const chunks: string[] = [];
    const held: (() => void)[] = [];
    let stuck = true;
    const stream = new Writable({
      write(chunk: Buffer, _encoding, done) {
        chunks.push(chunk.toString());
        if (stuck) held.push(done);
        else done();
      },
    });
    const log = bundle.open({ stream });
    for (let index = 0; index < 2_000; index++) log.info('x'.repeat(10_000));
    await new Promise((resolve) => setImmediate(resolve));
    expect(stream.writableLength).toBeLessThan(9 * 2 ** 20);
    stuck = false;
    for (const done of held) done();
    await log.flush();
    log.info('again');
    await log.flush();
    const lines = chunks.join('').split('\n').slice(0, -1);
    const lost = lines.map((line) => JSON.parse(line) as { lost?: number }).find((line) => line.lost !== undefined);
    expect((lost?.lost ?? 0) + lines.length - 2).toBe(2_000);
    expect(messagesIn(lines).at(-1)).toBe('again');
  });

  test('loses nothing when the process ends right after flush, on a pipe and in a file', async () => {
    await using bundle = await setup();
    const program = `
      const { createLog } = await import(${JSON.stringify(new URL('../../src/system/log.ts', import.meta.url).href)});
      const log = createLog({ level: 'info', format: 'json', stream: process.stdout, colour: false, file: { path: ${JSON.stringify(bundle.path)}, maxSizeBytes: 1e9, maxFiles: 1 } });
      for (let i = 0; i < 20000; i++) log.info('line ' + i, { padding: 'x'.repeat(50) });
      await log.flush();
      process.exit(0);`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      maxBuffer: 2 ** 26,
    });
    expect(stdout.split('\n').length - 1).toBe(20_000);
    expect(await fileLines(bundle.path)).toHaveLength(20_000);
  });

  test('does not load winston before the first line', async () => {
    const program = `
      const { createRequire } = await import('node:module');
      const { createLog } = await import(${JSON.stringify(new URL('../../src/system/log.ts', import.meta.url).href)});
      const log = createLog({ level: 'info', format: 'json', stream: process.stderr, colour: false });
      log.debug('below the level');
      const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes('winston'));
      const before = loaded();
      log.info('first');
      console.log(before, loaded());`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
    expect(stdout).toBe('false true\n');
  });
});

describe('the log file', () => {
  test('holds JSON lines, whatever the format of the stream', async () => {
    await using bundle = await setup();
    const log = bundle.open({ format: 'pretty', file: { path: bundle.path, maxSizeBytes: 1e6, maxFiles: 2 } });
    log.info('hello', { job: 'a' });
    await log.flush();
    expect(messagesIn(await fileLines(bundle.path))).toEqual(['hello']);
    expect(bundle.lines()[0]).toMatch(/info {2}a hello$/);
  });

  test('is rotated by size, keeps so many files and the newest lines in order', async () => {
    await using bundle = await setup();
    const log = bundle.open({ file: { path: bundle.path, maxSizeBytes: 1_000, maxFiles: 3 } });
    for (let index = 0; index < 100; index++) log.info(`line ${index}`);
    await log.flush();
    const names = (await readdir(join(bundle.folder, 'deep'))).toSorted();
    expect(names).toEqual(['tickwise.log', 'tickwise.log.1', 'tickwise.log.2']);
    for (const name of names) expect((await stat(join(bundle.folder, 'deep', name))).size).toBeLessThanOrEqual(1_000);
    const kept = messagesIn([
      ...(await fileLines(`${bundle.path}.2`)),
      ...(await fileLines(`${bundle.path}.1`)),
      ...(await fileLines(bundle.path)),
    ]);
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, index) => `line ${100 - kept.length + index}`));
    expect(kept.length).toBeGreaterThan(20);
  });

  test('goes on where an earlier process left it', async () => {
    await using bundle = await setup();
    for (const word of ['first', 'second']) {
      const log = bundle.open({ file: { path: bundle.path, maxSizeBytes: 1e6, maxFiles: 1 } });
      log.info(word);
      await log.flush();
    }
    expect(messagesIn(await fileLines(bundle.path))).toEqual(['first', 'second']);
  });

  test('that cannot be written harms nobody: the stream goes on, and says so once', async () => {
    await using bundle = await setup();
    await writeFile(join(bundle.folder, 'deep'), 'a file where the folder should be');
    const log = bundle.open({ file: { path: bundle.path, maxSizeBytes: 1e6, maxFiles: 1 } });
    for (const word of ['a', 'b', 'c']) {
      log.info(word);
      await log.flush();
    }
    const messages = messagesIn(bundle.lines());
    expect(messages.filter((message) => ['a', 'b', 'c'].includes(message))).toEqual(['a', 'b', 'c']);
    expect(messages.filter((message) => message.includes('are lost'))).toHaveLength(1);
  });

  test.runIf(process.platform === 'linux')('survives a full disk', async () => {
    await using bundle = await setup();
    const log = bundle.open({ file: { path: '/dev/full', maxSizeBytes: 1e6, maxFiles: 1 } });
    log.info('a');
    await log.flush();
    expect(messagesIn(bundle.lines()).join()).toContain('ENOSPC');
  });
});

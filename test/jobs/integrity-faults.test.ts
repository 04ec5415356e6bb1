import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { readPiece } from '../../config/jobs/integrity-index/piece.ts';
import { byteString, readable } from '../../config/jobs/integrity-index/walk.ts';
import { type Bundle, setup } from './drive.ts';

const NOBODY = 65_534;
const MEBIBYTE = 1_048_576;

/** Permissions bind everybody but root, so root walks as nobody. */
function unprivileged<T>(tree: Bundle, work: () => T): T {
  if (process.getuid?.() !== 0) return work();
  for (const path of [dirname(tree.root), tree.root]) chownSync(path, NOBODY, NOBODY);
  if (readdirSync(dirname(tree.root)).includes('index.db')) chownSync(String(tree.input.index), NOBODY, NOBODY);
  process.seteuid?.(NOBODY);
  try {
    return work();
  } finally {
    process.seteuid?.(0);
  }
}

describe('what cannot be read', () => {
  it('is counted, and is not taken for gone, be it a file or a folder', () => {
    using tree = setup({ a: '1', 'dir/b': '2', 'dir/c/d': '3', 'dir-e': '4', dirx: '5', f: '6' });
    unprivileged(tree, () => tree.pass());
    tree.remove('dirx');
    for (const path of ['a', 'dir']) chmodSync(`${tree.root}/${path}`, 0);
    expect(unprivileged(tree, () => tree.pass().report)).toMatchObject({
      files: 2,
      unreadable: 2,
      changed: { count: 0 },
      gone: { count: 1, paths: ['dirx'] },
    });
    chmodSync(`${tree.root}/a`, 0o644);
    chmodSync(`${tree.root}/dir`, 0o755);
    tree.write('a', 'changed meanwhile');
    expect(unprivileged(tree, () => tree.pass().report)).toMatchObject({
      files: 5,
      unreadable: 0,
      new: { count: 0 },
      changed: { count: 1, paths: ['a'] },
    });
  });
});

describe('what vanishes while the walk goes on', () => {
  it('is counted, be it a file or a folder, and the walk goes on', () => {
    using tree = setup({ a: '1', b: '2', 'c/d': '3', e: '4' }, { entriesPerStep: 1 });
    const { report } = tree.pass({
      between(checkpoint) {
        if (checkpoint.cursor !== 'a') return undefined;
        tree.remove('b');
        tree.remove('c');
        return undefined;
      },
    });
    expect(report).toMatchObject({ files: 2, vanished: 2, unreadable: 0, new: { paths: ['a', 'e'] } });
  });

  it('fails the run, and loses no row, when it is the root', () => {
    using tree = setup({ a: '1', b: '2' }, { entriesPerStep: 1 });
    tree.pass();
    const lost = `${tree.root}-lost`;
    const unmount = (): undefined => void (readdirSync(dirname(tree.root)).includes('tree') && renameSync(tree.root, lost));
    expect(() => tree.pass({ between: unmount })).toThrow('is not there');
    renameSync(lost, tree.root);
    expect(tree.pass().report).toMatchObject({ files: 2, new: { count: 0 }, gone: { count: 0 } });
  });

  it('may be replaced by a link, which is not followed', () => {
    using outside = setup({ secret: 'x' });
    using tree = setup({ a: '1', b: '2', 'c/d': '3' }, { entriesPerStep: 1 });
    const { report } = tree.pass({
      between(checkpoint) {
        if (checkpoint.cursor !== 'a') return undefined;
        tree.remove('b');
        tree.remove('c');
        symlinkSync(`${outside.root}/secret`, `${tree.root}/b`);
        symlinkSync(outside.root, `${tree.root}/c`);
        return undefined;
      },
    });
    expect(report).toMatchObject({ files: 1, vanished: 2 });
  });
});

describe('what is no file', () => {
  it('is counted and not followed: links, broken links, loops', () => {
    using tree = setup({ 'dir/a': '1' });
    symlinkSync('a', `${tree.root}/dir/to-file`);
    symlinkSync('..', `${tree.root}/dir/loop`);
    symlinkSync('nowhere', `${tree.root}/broken`);
    expect(tree.pass().report).toMatchObject({ files: 1, folders: 1, symlinks: 3 });
  });

  it('is counted and not waited for: a pipe', () => {
    using tree = setup({ a: '1' });
    execFileSync('mkfifo', [`${tree.root}/pipe`]);
    expect(tree.pass().report).toMatchObject({ files: 1, special: 1 });
  });

  it("is not waited for when it takes a file's place: a pipe", () => {
    using tree = setup();
    execFileSync('mkfifo', [`${tree.root}/pipe`]);
    expect(readPiece(byteString(tree.root), 'pipe', undefined)).toEqual({ kind: 'vanished', bytes: 0 });
  });
});

describe('odd names', () => {
  const NAMES = [
    '\xff\xfe not UTF-8',
    'new\nline',
    ' blank ',
    '-rf',
    'quote\'"',
    byteString('ümlaut'),
    '%00',
    '\\',
    '...',
    'x'.repeat(255),
  ];

  // Other systems refuse names that are not UTF-8.
  it.runIf(process.platform === 'linux')('are found, survive each checkpoint, and are told apart', () => {
    using tree = setup({}, { entriesPerStep: 1 });
    mkdirSync(Buffer.from(`${tree.root}/d\x80`, 'latin1'));
    for (const name of NAMES) {
      for (const folder of ['', 'd\x80/']) writeFileSync(Buffer.from(`${tree.root}/${folder}${name}`, 'latin1'), name);
    }
    expect(tree.pass({ between: () => 'restart' }).report).toMatchObject({ files: 2 * NAMES.length, vanished: 0, unreadable: 0 });
    rmSync(Buffer.from(`${tree.root}/${NAMES[0]}`, 'latin1'));
    expect(tree.pass({ between: () => 'restart' }).report).toMatchObject({
      gone: { count: 1, paths: ['\ufffd\ufffd not UTF-8'] },
    });
  });

  it('are shown without control characters', () => {
    expect(readable(byteString('ü\n\x1b[2J'))).toBe('ü\\x0a\\x1b[2J');
  });
});

describe('a file that changes while it is read', () => {
  const BIG = 5 * MEBIBYTE;

  it('is begun again, and counts as it is at last', () => {
    using tree = setup({ big: Buffer.alloc(BIG, 1) }, { bytesPerStep: 4 * MEBIBYTE });
    let writes = 0;
    const { report } = tree.pass({
      between(checkpoint) {
        if (checkpoint.reading?.offset === 4 * MEBIBYTE && writes++ === 0) tree.write('big', Buffer.alloc(BIG + 1, 2));
        return undefined;
      },
    });
    expect(report).toMatchObject({ files: 1, bytes: BIG + 1, unsettled: 0 });
    expect(tree.pass().report.changed.count).toBe(0);
  });

  it('is left for the next pass after three attempts, and is not taken for changed or gone', () => {
    using tree = setup({ big: Buffer.alloc(BIG, 1), last: 'x' }, { bytesPerStep: 4 * MEBIBYTE });
    tree.pass();
    let size = BIG;
    const { report } = tree.pass({
      between(checkpoint) {
        if (checkpoint.reading !== undefined && checkpoint.reading.offset > 0) tree.write('big', Buffer.alloc(++size, 2));
        return undefined;
      },
    });
    expect(size).toBe(BIG + 3);
    expect(report).toMatchObject({ files: 1, unsettled: 1, changed: { count: 0 }, gone: { count: 0 } });
    expect(tree.pass().report).toMatchObject({ unsettled: 0, changed: { count: 1, paths: ['big'] } });
  });

  it('is never taken for read when it changes within a piece', async () => {
    using tree = setup({ big: Buffer.alloc(3 * MEBIBYTE) });
    const writer = new Worker(
      `const fs = require('node:fs'), file = fs.openSync(require('node:worker_threads').workerData, 'r+');
       for (let size = ${3 * MEBIBYTE}; ; size ^= 1) fs.ftruncateSync(file, size);`,
      { eval: true, workerData: `${tree.root}/big` },
    );
    try {
      await once(writer, 'online');
      let piece = readPiece(byteString(tree.root), 'big', undefined);
      for (let tries = 0; tries < 2_000 && piece.kind !== 'more'; tries++)
        piece = readPiece(byteString(tree.root), 'big', undefined);
      expect(piece).toMatchObject({ kind: 'more', reading: { offset: 0, digest: '', attempt: 2 } });
    } finally {
      await writer.terminate();
    }
  });

  it('does not inherit the attempts of another file', () => {
    using tree = setup({ other: 'x' });
    const reading = { path: 'big', identity: '', offset: 4 * MEBIBYTE, digest: 'ff', attempt: 3 };
    expect(readPiece(byteString(tree.root), 'other', reading)).toMatchObject({ kind: 'hashed', size: 1 });
  });

  it('loses its half-read pieces when another file comes before it', () => {
    using tree = setup({ big: Buffer.alloc(BIG, 1) }, { bytesPerStep: 4 * MEBIBYTE });
    const { report } = tree.pass({
      between(checkpoint) {
        if (checkpoint.reading === undefined) return undefined;
        tree.write('before', 'x');
        return 'restart';
      },
    });
    expect(report).toMatchObject({ files: 2, bytes: BIG + 1 });
    expect(tree.pass().report.changed.count).toBe(0);
  });
});

import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import IntegrityIndex, { type IntegrityCheckpoint } from '../../config/jobs/integrity-index.ts';
import { IndexFile } from '../../config/jobs/integrity-index/index-file.ts';
import { type Bundle, setup, timeless } from './drive.ts';

const FILES = {
  'a.txt': 'a',
  'a/b.txt': 'b',
  'a/c/d.txt': 'd',
  'a/c/e.txt': 'e',
  'a-b/f.txt': 'f',
  empty: '',
  'z/y/x/w.txt': 'w',
};
const MEBIBYTE = 1_048_576;

/** The digests of the index, by path. */
function indexed({ input }: Bundle): Record<string, string> {
  using db = new DatabaseSync(String(input.index), { readOnly: true });
  const rows = db.prepare('select cast(path as text) as path, hex(digest) as digest from files').all();
  return Object.fromEntries(rows.map((row) => [String(row['path']), String(row['digest']).toLowerCase()]));
}

describe('a pass', () => {
  it('finds every file with its digest, in many steps', () => {
    using tree = setup(FILES, { entriesPerStep: 1 });
    const { report, checkpoints } = tree.pass();
    expect(checkpoints.length).toBeGreaterThan(Object.keys(FILES).length);
    const digests = Object.entries(FILES).map(([path, content]) => [path, createHash('sha256').update(content).digest('hex')]);
    expect(indexed(tree)).toEqual(Object.fromEntries(digests));
    expect(report).toMatchObject({ pass: 1, root: tree.root, files: 7, bytes: 6, folders: 6, symlinks: 0, special: 0 });
    expect(report).toMatchObject({
      unreadable: 0,
      vanished: 0,
      unsettled: 0,
      new: { count: 7 },
      changed: { count: 0 },
      gone: { count: 0 },
    });
  });

  it('reports exactly what is new, changed and gone since the pass before', () => {
    using tree = setup(FILES, { entriesPerStep: 2 });
    tree.pass();
    tree.write('a/new.txt', 'new');
    tree.write('z/y/x/w.txt', 'W');
    tree.remove('a/c');
    expect(tree.pass().report).toMatchObject({
      pass: 2,
      files: 6,
      new: { count: 1, paths: ['a/new.txt'] },
      changed: { count: 1, paths: ['z/y/x/w.txt'] },
      gone: { count: 2, paths: ['a/c/d.txt', 'a/c/e.txt'] },
    });
    expect(tree.pass().report).toMatchObject({ pass: 3, new: { count: 0 }, changed: { count: 0 }, gone: { count: 0 } });
  });

  it('takes a file that is touched but holds the same for unchanged', () => {
    using tree = setup(FILES);
    tree.pass();
    tree.write('a.txt', 'a');
    expect(tree.pass().report.changed.count).toBe(0);
  });

  it('names at most twenty paths, and counts all', () => {
    using tree = setup(Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`f${index}`, 'x'])));
    const { report } = tree.pass();
    expect(report.new.count).toBe(30);
    expect(report.new.paths).toHaveLength(20);
  });

  it('reports an empty tree', () => {
    using tree = setup();
    expect(tree.pass().report).toMatchObject({ files: 0, bytes: 0, new: { count: 0, paths: [] } });
  });

  it('leaves out what is excluded, and its own index', () => {
    using tree = setup({ 'kept/var/f': '1', 'var/f': '2', '.git/HEAD': '3' }, { exclude: ['./var/', '.git'] });
    const input = { ...tree.input, index: `${tree.root}/kept/index.db` };
    expect(tree.pass({ input }).report.new.paths).toEqual(['kept/var/f']);
    expect(tree.pass({ input }).report.files).toBe(1);
  });

  it('shows progress against the count of the pass before', () => {
    using tree = setup(FILES, { entriesPerStep: 1 });
    tree.pass();
    const handler = new IntegrityIndex();
    const first = tree.step(handler);
    expect(first.progress).toMatchObject({ completed: 0, total: 7 });
    const second = tree.step(handler, first.checkpoint);
    expect(second.progress).toMatchObject({ completed: 0, total: 7, message: 'pass 2: a' });
    expect(tree.step(handler, second.checkpoint).progress?.message).toBe('pass 2: a/b.txt');
  });
});

describe('an interrupted pass', () => {
  it('gives the same report when killed between any two steps', () => {
    using undisturbed = setup(FILES, { entriesPerStep: 1 });
    undisturbed.pass();
    change(undisturbed);
    const expected = { ...timeless(undisturbed.pass().report), root: '' };
    using tree = setup(FILES, { entriesPerStep: 1 });
    tree.pass({ between: () => 'restart' });
    change(tree);
    expect({ ...timeless(tree.pass({ between: () => 'restart' }).report), root: '' }).toEqual(expected);
  });

  it('gives the same report when any one step is repeated, because its checkpoint was lost', () => {
    using undisturbed = setup(FILES, { entriesPerStep: 1 });
    undisturbed.pass();
    change(undisturbed);
    const { report, checkpoints } = undisturbed.pass();
    const expected = { ...timeless(report), root: '' };
    for (let lost = 1; lost <= checkpoints.length; lost++) {
      using tree = setup(FILES, { entriesPerStep: 1 });
      tree.pass();
      change(tree);
      expect({ ...timeless(passLosing(tree, lost)), root: '' }, `step ${lost}`).toEqual(expected);
    }
  });

  it('gives the same report again when its end was not recorded', () => {
    using tree = setup(FILES, { entriesPerStep: 3 });
    const { report, checkpoints } = tree.pass();
    const again = tree.step(new IntegrityIndex(), checkpoints.at(-1));
    expect(again).toMatchObject({ done: true, result: report });
    expect(tree.pass().report.pass).toBe(2);
  });

  it('begins anew, and misses nothing, when all of its checkpoints are lost', () => {
    using tree = setup(FILES, { entriesPerStep: 1 });
    tree.pass();
    change(tree);
    tree.write('a/passing.txt', 'seen by the lost walk only');
    stepsOf(tree, 12);
    tree.remove('a/passing.txt');
    expect(tree.pass().report).toMatchObject({
      pass: 2,
      new: { count: 1, paths: ['a/new.txt'] },
      changed: { count: 1, paths: ['a.txt'] },
      gone: { count: 1, paths: ['z/y/x/w.txt'] },
    });
  });

  it('begins anew when the index is lost', () => {
    using tree = setup(FILES, { entriesPerStep: 1 });
    const checkpoint = stepsOf(tree, 5);
    rmSync(String(tree.input.index));
    expect(tree.pass({ from: checkpoint }).report).toMatchObject({ pass: 1, files: 7, new: { count: 7 } });
  });

  it('keeps its checkpoint small however many files there are', () => {
    using tree = setup(Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`folder/f${index}`, 'x'])), {
      entriesPerStep: 50,
    });
    const { checkpoints } = tree.pass();
    expect(checkpoints.length).toBeGreaterThanOrEqual(10);
    expect(Math.max(...checkpoints.map((checkpoint) => JSON.stringify(checkpoint).length))).toBeLessThan(1_000);
  });
});

describe('a change during a pass', () => {
  it('counts when it is ahead of the walk, and waits for the next pass when it is behind', () => {
    using tree = setup({ 'a/1': '1', 'b/1': '1', 'c/1': '1', 'c/2': '2' }, { entriesPerStep: 1 });
    tree.pass();
    const during = tree.pass({
      between(checkpoint) {
        if (checkpoint.cursor !== 'b/1') return undefined;
        tree.write('a/1', 'changed behind');
        tree.write('a/2', 'new behind');
        tree.write('c/1', 'changed ahead');
        tree.remove('c/2');
        tree.write('c/3', 'new ahead');
        return undefined;
      },
    });
    expect(during.report).toMatchObject({ new: { paths: ['c/3'] }, changed: { paths: ['c/1'] }, gone: { paths: ['c/2'] } });
    expect(tree.pass().report).toMatchObject({ new: { paths: ['a/2'] }, changed: { paths: ['a/1'] }, gone: { paths: [] } });
  });

  it('goes on behind the cursor when the folder it stands in is gone', () => {
    using tree = setup({ 'a/1': '1', 'b/1': '1', 'b/2': '2', 'c/1': '1' }, { entriesPerStep: 1 });
    tree.pass();
    const { report } = tree.pass({
      between(checkpoint) {
        if (checkpoint.cursor !== 'b/1') return undefined;
        tree.remove('b');
        return 'restart';
      },
    });
    expect(report).toMatchObject({ files: 3, gone: { count: 1, paths: ['b/2'] } });
  });
});

describe('walks', () => {
  it('are told apart when they begin in the same millisecond, or after the clock was put back', () => {
    using tree = setup();
    using index = new IndexFile(String(tree.input.index));
    expect([5_000, 5_000, 1_000].map((now) => index.begin(tree.root, now).walk)).toEqual([5_000, 5_001, 5_002]);
  });
});

describe('another root', () => {
  it('starts afresh, in the middle of a pass too', () => {
    using tree = setup({ 'one/a': '1', 'two/b': '2', 'two/c': '3' }, { entriesPerStep: 1 });
    const one = { ...tree.input, root: `${tree.root}/one` };
    const two = { ...tree.input, root: `${tree.root}/two` };
    tree.pass({ input: one });
    const checkpoint = tree.step(new IntegrityIndex(), undefined, one).checkpoint;
    expect(tree.pass({ input: two, ...(checkpoint === undefined ? {} : { from: checkpoint }) }).report).toMatchObject({
      pass: 1,
      new: { count: 2, paths: ['b', 'c'] },
      gone: { count: 0 },
    });
  });

  it('is not walked by what the same handler knows of the root before', () => {
    using tree = setup({ 'one/big': Buffer.alloc(5 * MEBIBYTE), 'two/other': 'x' }, { bytesPerStep: 4 * MEBIBYTE });
    const handler = new IntegrityIndex();
    const one = { ...tree.input, root: `${tree.root}/one` };
    const two = { ...tree.input, root: `${tree.root}/two` };
    const halfRead = tree.step(handler, tree.step(handler, undefined, one).checkpoint, one).checkpoint;
    expect(halfRead).toMatchObject({ cursor: '', reading: { path: 'big' } });
    tree.step(handler, tree.step(handler, halfRead, two).checkpoint, two);
    expect(Object.keys(indexed(tree))).toEqual(['other']);
  });

  it('is refused when it is not there, and the index is kept', () => {
    using tree = setup(FILES);
    tree.pass();
    expect(() => tree.pass({ input: { ...tree.input, root: `${tree.root}/nowhere` } })).toThrow('nowhere is not there');
    expect(tree.pass().report).toMatchObject({ pass: 2, new: { count: 0 }, gone: { count: 0 } });
  });
});

describe('a step', () => {
  it('deals with no more entries than it may', () => {
    using tree = setup(Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`f${index}`, 'x'])), { entriesPerStep: 7 });
    const files = tree.pass().checkpoints.map(({ counts }) => counts.files);
    expect(Math.max(...files.map((count, index) => count - (files[index - 1] ?? 0)))).toBe(7);
  });

  it('reads no more bytes than it may, files larger than that included', () => {
    const big = Buffer.alloc(13 * MEBIBYTE, 'x');
    using tree = setup({ big, small: 'x', middle: Buffer.alloc(3 * MEBIBYTE) }, { bytesPerStep: 4 * MEBIBYTE });
    const { report, checkpoints } = tree.pass();
    expect(checkpoints.map(({ reading }) => reading?.offset).filter((offset) => offset !== undefined)).toEqual([
      4 * MEBIBYTE,
      8 * MEBIBYTE,
      12 * MEBIBYTE,
    ]);
    expect(report).toMatchObject({ files: 3, bytes: 16 * MEBIBYTE + 1 });
    expect(indexed(tree)['big']).toBe(chained(big));
  });

  it('takes up a big file in the middle after a restart, with the same digest', () => {
    const big = Buffer.from(Array.from({ length: 9 * MEBIBYTE }, (_, index) => (index * 7) % 251));
    using tree = setup({ big }, { bytesPerStep: 4 * MEBIBYTE });
    tree.pass({ between: () => 'restart' });
    expect(indexed(tree)['big']).toBe(chained(big));
  });

  it('takes a file that fills its pieces to the last byte for whole', () => {
    const [one, two] = [Buffer.alloc(4 * MEBIBYTE, 1), Buffer.alloc(8 * MEBIBYTE, 2)];
    using tree = setup({ one, two }, { bytesPerStep: 4 * MEBIBYTE });
    tree.pass();
    expect(indexed(tree)).toEqual({ one: createHash('sha256').update(one).digest('hex'), two: chained(two) });
  });

  it('that fails leaves the index as it was, and is made again by the same handler', () => {
    using tree = setup(FILES, { entriesPerStep: 3 });
    const handler = new IntegrityIndex();
    const { checkpoint } = tree.step(handler, tree.step(handler).checkpoint);
    using db = new DatabaseSync(String(tree.input.index));
    db.exec(
      "create trigger full before insert on files when new.path = cast('a/c/e.txt' as blob) begin select raise(abort, 'disk is full'); end",
    );
    expect(() => tree.step(handler, checkpoint)).toThrow('disk is full');
    expect(Object.keys(indexed(tree))).toEqual(['a/b.txt']);
    db.exec('drop trigger full');
    tree.step(handler, checkpoint);
    expect(Object.keys(indexed(tree))).toEqual(['a/b.txt', 'a/c/d.txt', 'a/c/e.txt']);
  });

  it('begins nothing more once its time is over', () => {
    using tree = setup(FILES, { stepMs: 0 });
    const { checkpoints } = tree.pass();
    const files = checkpoints.map(({ counts }) => counts.files + counts.folders);
    expect(Math.max(...files.map((count, index) => count - (files[index - 1] ?? 0)))).toBe(1);
  });

  it('rests afterwards when it is told to', () => {
    using tree = setup(FILES, { restMs: 100, entriesPerStep: 1 });
    const handler = new IntegrityIndex();
    const { checkpoint } = tree.step(handler);
    expect(tree.step(handler, checkpoint).waitMs).toBe(100);
  });
});

function change(tree: Bundle): void {
  tree.write('a.txt', 'A');
  tree.write('a/new.txt', 'new');
  tree.remove('z/y/x/w.txt');
}

/** The checkpoint after so many steps of a pass that is then left alone. */
function stepsOf(tree: Bundle, count: number): IntegrityCheckpoint {
  const handler = new IntegrityIndex();
  let checkpoint: IntegrityCheckpoint | undefined;
  for (let step = 0; step < count; step++) checkpoint = tree.step(handler, checkpoint).checkpoint;
  if (checkpoint === undefined) throw new Error('the pass ended early');
  return checkpoint;
}

/** A pass whose step `lost` finished and is made again, by a new handler, from the checkpoint before it. */
function passLosing(tree: Bundle, lost: number): ReturnType<Bundle['pass']>['report'] {
  const before = lost === 1 ? undefined : stepsOf(tree, lost - 1);
  tree.step(new IntegrityIndex(), before);
  return tree.pass(before === undefined ? {} : { from: before }).report;
}

/** The digest of a file of several pieces, by its definition. */
function chained(content: Buffer): string {
  let digest = Buffer.alloc(0);
  for (let offset = 0; offset < content.length; offset += 4 * MEBIBYTE) {
    digest = createHash('sha256')
      .update(digest)
      .update(content.subarray(offset, offset + 4 * MEBIBYTE))
      .digest();
  }
  return digest.toString('hex');
}

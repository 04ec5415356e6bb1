import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteString, walk } from '../../config/jobs/integrity-index/walk.ts';

/** Names that sort differently by character, by byte and by whole path. */
const NAME = fc.constantFrom('a', 'a!', 'a.b', 'aa', 'b', 'B', 'é', '\u{1f600}', '\uffff', '0');
const TREE = fc.uniqueArray(fc.array(NAME, { minLength: 1, maxLength: 4 }), {
  maxLength: 25,
  selector: (parts) => parts.join('/'),
});

/** Makes what files of the paths can be made: one that would stand in a file's place is a folder instead. */
function setup(paths: readonly (readonly string[])[]): Disposable & { readonly root: string } {
  const root = mkdtempSync(join(tmpdir(), 'walk-'));
  for (const parts of paths.toSorted((left, right) => right.length - left.length)) {
    const path = join(root, ...parts);
    mkdirSync(dirname(path), { recursive: true });
    try {
      writeFileSync(path, 'x');
    } catch {
      mkdirSync(path, { recursive: true });
    }
  }
  return { root: byteString(root), [Symbol.dispose]: () => rmSync(root, { recursive: true }) };
}

const pathsOf = (root: string, after: string): string[] =>
  Array.from(
    walk(root, after, () => false),
    ({ path }) => path,
  );

describe('a walk', () => {
  it('that is taken up behind any path yields exactly what came after it', () => {
    fc.assert(
      fc.property(TREE, (paths) => {
        using tree = setup(paths);
        const whole = pathsOf(tree.root, '');
        expect(new Set(whole).size).toBe(whole.length);
        for (const [index, path] of whole.entries()) expect(pathsOf(tree.root, path)).toEqual(whole.slice(index + 1));
      }),
      { numRuns: 60 },
    );
  });

  it('that is taken up behind a path that is gone yields what came after it', () => {
    fc.assert(
      fc.property(TREE, fc.nat(), (paths, choice) => {
        using tree = setup(paths);
        const whole = pathsOf(tree.root, '');
        if (whole.length === 0) return;
        const index = choice % whole.length;
        const gone = whole[index] ?? '';
        rmSync(Buffer.from(`${tree.root}/${gone}`, 'latin1'), { recursive: true });
        const rest = whole.slice(index + 1).filter((path) => !path.startsWith(`${gone}/`));
        expect(pathsOf(tree.root, gone)).toEqual(rest);
      }),
      { numRuns: 60 },
    );
  });

  it('meets what stands below a path where a file stood', () => {
    using tree = setup([['a'], ['b']]);
    rmSync(join(tree.root, 'a'));
    mkdirSync(join(tree.root, 'a'));
    writeFileSync(join(tree.root, 'a', 'x'), 'x');
    expect(pathsOf(tree.root, 'a')).toEqual(['a/x', 'b']);
  });

  it('meets the file that stands where the folder of its cursor stood', () => {
    using tree = setup([['a', 'x'], ['b']]);
    rmSync(join(tree.root, 'a'), { recursive: true });
    writeFileSync(join(tree.root, 'a'), 'x');
    expect(pathsOf(tree.root, 'a/x')).toEqual(['a', 'b']);
  });

  it('fails when its root cannot be listed', () => {
    expect(() => walk('/nowhere/at/all', '', () => false)).toThrow('ENOENT');
  });
});

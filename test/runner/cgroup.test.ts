import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CgroupHome, ownCgroups } from '../../src/runner/cgroup.ts';
import { kindsHere } from './command-setup.ts';

const v1 = '32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu';

test.each([
  [
    'a unified layout',
    '30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw',
    '0::/system.slice/tickwise.service',
    ['/sys/fs/cgroup/system.slice/tickwise.service'],
  ],
  [
    'a hybrid layout',
    `${v1}\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw`,
    '1:cpu:/a\n0::/',
    ['/sys/fs/cgroup/unified/'],
  ],
  ['optional fields', '30 23 0:26 / /cg rw shared:4 master:1 - cgroup2 none rw', '0::/x', ['/cg/x']],
  [
    'a mount of a part',
    '30 23 0:26 /docker/1 /sys/fs/cgroup rw - cgroup2 cgroup2 rw',
    '0::/docker/1/inner',
    ['/sys/fs/cgroup/inner'],
  ],
  ['a mount of another part', '30 23 0:26 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw', '0::/', ['/sys/fs/cgroup']],
  ['a mount point with a blank', String.raw`30 23 0:26 / /my\040cg rw - cgroup2 cgroup2 rw`, '0::/x', ['/my cg/x']],
  ['version 1 alone', v1, '1:cpu:/a', []],
])('finds its own group in %s', (_, mountinfo, membership, expected) => {
  expect(ownCgroups(mountinfo, membership)).toEqual(expected);
});

describe.runIf(kindsHere().includes('cgroup'))('where a cgroup can be written', () => {
  test('removes the empty groups of daemons that are dead, and no others', async () => {
    const home = CgroupHome.find();
    const group = home?.group('probe-base');
    if (home === undefined || group === undefined) throw new Error('no cgroup');
    group.create();
    const base = dirname(dirname(group.path));
    const dead = spawn('/bin/true');
    await once(dead, 'exit');
    const stale = join(base, `tickwise-${dead.pid}-1`);
    const foreign = join(base, `tickwise-test-${process.pid}`);
    mkdirSync(join(stale, 'run-1'), { recursive: true });
    mkdirSync(foreign);
    CgroupHome.find();
    expect(existsSync(stale)).toBe(false);
    expect(existsSync(foreign)).toBe(true);
    rmdirSync(foreign);
    home.remove();
    expect(existsSync(dirname(group.path))).toBe(false);
  });

  test('makes no group of a name that could lead elsewhere', () => {
    const home = CgroupHome.find();
    expect(home?.group('../escape')).toBeUndefined();
    expect(home?.group('a/b')).toBeUndefined();
    expect(home?.group('.')).toBeUndefined();
  });
});

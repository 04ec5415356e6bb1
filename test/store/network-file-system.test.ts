import { expect, it } from 'vitest';
import { networkFileSystem } from '../../src/store/network-file-system.ts';

const FUSE = 0x65735546;
const never = (): string => {
  throw new Error('asked for the mount type');
};

it.each([
  ['NFS', 0x6969],
  ['SMB', 0x517b],
  ['CIFS', 0xff534d42],
  ['SMB2', 0xfe534d42],
  ['9p', 0x01021997],
  ['Ceph', 0x00c36400],
])('knows %s by its type', (name, type) => {
  expect(networkFileSystem(type, never)).toBe(name);
});

it('knows a type that comes sign-extended', () => {
  expect(networkFileSystem(0xff534d42 | 0, never)).toBe('CIFS');
});

it.each([
  ['ext4', 0xef53],
  ['xfs', 0x58465342],
  ['btrfs', 0x9123683e],
  ['tmpfs', 0x01021994],
  ['overlay', 0x794c7630],
  ['zfs', 0x2fc12fc1],
])('takes %s for local', (_, type) => {
  expect(networkFileSystem(type, never)).toBeUndefined();
});

it.each(['fuse.sshfs', 'fuse.gcsfuse', 'fuse.rclone', 'fuse.glusterfs', 'fuse.s3fs'])(
  'knows %s by the name of its mount',
  (name) => {
    expect(networkFileSystem(FUSE, () => name)).toBe(name);
  },
);

it.each(['fuse.ntfs-3g', 'fuseblk', 'fuse.fuse-overlayfs', 'fuse.mergerfs'])('takes %s for local', (name) => {
  expect(networkFileSystem(FUSE, () => name)).toBeUndefined();
});

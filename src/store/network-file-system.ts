/** Which file systems are not local. SQLite's locks and shared memory hold on one machine only (https://sqlite.org/wal.html, "Disadvantages"). */

/** `statfs` types (linux/magic.h and the projects' own headers). */
const NETWORK_TYPES: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x01021997, '9p'],
  [0x00c36400, 'Ceph'],
  [0x5346414f, 'AFS'],
  [0x6b414653, 'AFS'],
  [0x73757245, 'Coda'],
  [0x564c, 'NCP'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x19830326, 'BeeGFS'],
  [0x20030528, 'OrangeFS'],
  [0x7461636f, 'OCFS2'],
  [0x01161970, 'GFS2'],
  [0x786f4256, 'VirtualBox shared folder'],
  [0xbacbacbc, 'VMware shared folder'],
]);

const FUSE = 0x65735546;
/** FUSE serves local disks as well (ntfs-3g, overlays of containers), so the mount's own name decides. */
const NETWORK_FUSE =
  /^fuse\.(sshfs|s3fs|s3ql|goofys|geesefs|gcsfuse|mount-s3|mountpoint-s3|rclone|glusterfs|ceph|ceph-fuse|davfs|davfs2|curlftpfs|smbnetfs|nfs|moosefs|mfs|juicefs|seaweedfs|blobfuse2?|vmhgfs-fuse|gvfsd-fuse|sshfs.*)$/i;

/**
 * Tells whether a file system is served over a network (or from another machine's host).
 *
 * @param type the `type` of `statfs`; may come sign-extended
 * @param mountType asked for FUSE only: the mount's type, e.g. `fuse.sshfs`
 * @returns its name, or `undefined` when it is local
 * @throws never, unless `mountType` does
 */
export function networkFileSystem(type: number, mountType: () => string): string | undefined {
  const magic = type >>> 0;
  if (magic !== FUSE) return NETWORK_TYPES.get(magic);
  const name = mountType();
  return NETWORK_FUSE.test(name) ? name : undefined;
}

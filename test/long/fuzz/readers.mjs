// What is done with a mutant, by the kind of its image.
import { ftruncateSync, openSync, realpathSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { readCpio } from '../../../dist/disk/codec/cpio-read.js';
import { decompressors } from '../../../dist/disk/codec/decompress.js';
import { decodeByFzstd, firstFrame } from '../../../dist/disk/codec/zstd.js';
import { openDisk } from '../../../dist/disk/disk.js';
import { fileSystems, openFileSystem } from '../../../dist/disk/fs/registry.js';
import { ImageFile } from '../../../dist/disk/image/image-file.js';
import { openImage } from '../../../dist/disk/image/open.js';
import { readLayout } from '../../../dist/disk/layout.js';
import { readPartitionTable } from '../../../dist/disk/partition/table.js';
import { openTree } from '../../../dist/disk/tree.js';
import { Vfs } from '../../../dist/disk/vfs.js';
import { luks } from '../../../dist/disk/volume/luks/luks.js';
import { unlock } from '../../../dist/disk/volume/luks/unlock.js';
import { walkTree } from '../../../dist/disk/walk.js';
import { JournalDamage, JournalObjects } from '../../../dist/facts/journal-file/objects.js';
import { PoweredOff } from '../../../dist/facts/offline/disk.js';
import { kernelReleases } from '../../../dist/facts/offline/kernel.js';
import { readRpmHeader } from '../../../dist/facts/rpm/header.js';
import { ndbBlobs } from '../../../dist/facts/rpm/ndb.js';
import { tableRows } from '../../../dist/facts/rpm/sqlite.js';
import { examineDisk, inspectImage, sections } from '../../../dist/inspect/index.js';
import { inspectionSchema } from '../../../dist/inspect/schema.js';
import { faults } from './faults.mjs';

const PAGE = 4096;
/** What a header of the seed asks for, and a little more. */
const KDF_LIMITS = { iterations: 4000, memory: 64, work: 256 };
const KEY = Buffer.from('passphrase');
const IMAGES = ['qcow2', 'vmdk', 'vhdx', 'vpc', 'vdi'];
const LARGEST_PIECE = 2 ** 20;
const LONGEST_INSPECTION = 4 * 2 ** 20;
const TYPED = [
  ...['corrupt', 'unsupported', 'usage', 'locked', 'file-missing', 'no-filesystem'],
  ...['image-corrupt', 'image-format', 'image-refused'],
];

export const isTyped = (error) => error?.name === 'GvmError' && TYPED.includes(error.code);

export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    if (!isTyped(error)) throw error;
    return undefined;
  }
}

/** Files of which more than the names is read: others in each case. */
const CONTENTS = 8;
/** One case in so many does what is dear. */
const RARE = 4;
let turn = 0;

/** Where a process has one thread only: argon2 takes another, so no header may ask for it. */
export function withoutThreads() {
  KDF_LIMITS.memory = 0;
}

/** Says which case comes: it chooses what is read besides the names. */
export function turnTo(number) {
  turn = number;
}

/** Whether every file of the next disks is read. */
let all = false;
export function readAll() {
  all = true;
}

/** Extents lie one behind the other from an offset to an end. */
async function followExtents(extents, from, end) {
  let [at, left] = [from, 5000];
  for await (const { offset, length } of extents) {
    if (offset !== at || length <= 0) throw new Error(`an extent of ${length} bytes at ${offset}, not ${at}`);
    at += length;
    if (--left === 0) return;
  }
  if (at !== end) throw new Error(`extents end at ${at}, not ${end}`);
}

/** Other trees in one file system, and names that are looked for. */
async function lookAround(fs) {
  const names = (await attempt(() => fs.subvolumes?.())) ?? [];
  for (const name of [...names.slice(0, 3), 'id=256', 'dir/sub']) await attempt(() => fs.subvolume?.(name));
  await attempt(() => new Vfs(fs).resolve('/link'));
  const root = await fs.root();
  for (const name of ['dir', 'absent', ...names.slice(0, 1)]) await attempt(() => root.lookup(Buffer.from(name)));
}

async function readNode(node) {
  await attempt(() => node.xattrs());
  const { type, size } = node.stat;
  if (type !== 'file') return;
  await attempt(() => node.read(0, 20_000));
  await attempt(() => node.read(Math.max(0, size - 3000), 3000));
  await attempt(() => node.read(Math.floor(size / 2), 9000));
  await attempt(() => followExtents(node.extents(), 0, size));
}

async function readFiles(fs) {
  await attempt(() => fs.usage());
  if (turn % RARE === 1) await lookAround(fs);
  const vfs = new Vfs(fs);
  let files = 0;
  let [contents, skipped] = [0, turn % 11];
  for await (const walked of walkTree(vfs, await vfs.resolve('/'))) {
    files++;
    if ('trouble' in walked) continue;
    const { node } = walked;
    if (node.stat.type === 'symlink') await attempt(() => node.readlink());
    if (!all && (skipped-- > 0 || ++contents > CONTENTS)) continue;
    skipped = turn % 5;
    await readNode(node);
  }
  return files;
}

async function fileSystem(disk) {
  const fs = await openFileSystem(disk, fileSystems);
  return fs ? readFiles(fs) : 0;
}

const LIVE = 'disk:/live/filesystem.squashfs';
const DEEP = 'p1:/a:/b:/c:/d:/e';

/** The trees that a system would see: with its mounts, of one volume alone, and of layers over each other. */
async function trees(layout) {
  const [{ name = '' } = {}, other] = layout.volumes.filter(({ fs }) => fs);
  for (const which of [undefined, name, [name, other?.name ?? name], ['p3:/upper', 'p2'], LIVE, [LIVE], [DEEP]]) {
    const tree = await attempt(() => openTree(layout, which));
    let left = 60;
    if (!tree) continue;
    for await (const { node } of walkTree(tree.vfs, await tree.vfs.resolve('/'))) {
      if (node?.stat.type === 'symlink') await attempt(() => node.readlink());
      if (node && left % 3 === 0) await readNode(node);
      if (--left === 0) break;
    }
    await attempt(() => tree.vfs.resolve('/dir/over'));
  }
}

async function volumes(disk, keys = []) {
  let files = 0;
  const layout = await readLayout(disk, { keys });
  if (turn % RARE === 2) await trees(layout);
  for (const { fs, source, size } of layout.volumes) {
    const some = Math.min(size, 2 ** 20);
    await attempt(() => followExtents(source.extents(0, some), 0, some));
    if (fs) files += (await attempt(() => readFiles(fs))) ?? 0;
  }
  return files;
}

const whole = (disk) => disk.read(0, disk.size);

const codec = (decode) => async (disk) => {
  const bytes = decode(await whole(disk), LARGEST_PIECE);
  if (bytes && bytes.length > LARGEST_PIECE)
    throw new Error(`${bytes.length} bytes where ${LARGEST_PIECE} were allowed`);
};

/** Notes where an image file is read while work is done; a disk in parts has others. */
async function notingReads(disk, path, work) {
  const { read, head } = ImageFile.prototype;
  ImageFile.prototype.read = function (offset, length, structure) {
    if (this.path === path) disk.note(offset, length);
    return read.call(this, offset, length, structure);
  };
  ImageFile.prototype.head = function (length) {
    if (this.path === path) disk.note(0, Math.min(length, this.size));
    return head.call(this, length);
  };
  try {
    return await work();
  } finally {
    Object.assign(ImageFile.prototype, { read, head });
  }
}

/** What gvm reads itself of a disk, without a server. */
async function readDisk(path, format) {
  const disk = await openDisk(path, { format });
  const { source } = disk;
  try {
    for (const from of [0, Math.floor(source.size / 2)]) {
      const length = Math.min(source.size - from, 2 ** 18);
      await attempt(() => source.read(from, length));
      await attempt(() => followExtents(source.extents(from, length), from, from + length));
    }
  } finally {
    await disk[Symbol.asyncDispose]();
  }
}

/** The pages that were changed are written to a file, for this reader takes files, and set back for the next case. */
function imageFile(folder, format) {
  const path = join(realpathSync(folder), `mutant-${process.pid}-${threadId}.${format}`);
  const file = openSync(path, 'w');
  let written = 0;
  const put = (disk, pages) => {
    // Also behind one that was cut short.
    if (written < disk.size) writeSync(file, disk.bytes(0, disk.size), 0, disk.size, 0);
    for (const index of pages) {
      const bytes = disk.bytes(index * PAGE, PAGE);
      writeSync(file, bytes, 0, bytes.length, index * PAGE);
    }
    ftruncateSync(file, disk.size);
    written = disk.size;
  };
  return async (disk) => {
    const pages = [...disk.changed.keys()];
    put(disk, pages);
    try {
      await notingReads(disk, path, async () => {
        const { snapshots = [] } = (await openImage(path, { format })).layers[0];
        for (const { id } of snapshots.slice(0, 4)) await openImage(path, { format, snapshot: id });
        if (format === 'vmdk') await readDisk(path, format);
      });
    } finally {
      put(disk.sound(), pages);
    }
  };
}

/** Where the log begins behind its database: that of the fixture has 61 pages. */
export const RPM_DATABASE = 61 * PAGE;

function rpmPackages(database, log) {
  for (const [, blob] of tableRows(database, log, 'Packages')) if (Buffer.isBuffer(blob)) readRpmHeader(blob);
}

function journal(bytes) {
  try {
    const objects = new JournalObjects(bytes);
    for (const at of objects.entryOffsets()) {
      try {
        for (const item of objects.entry(at).items) objects.data(item);
      } catch (error) {
        if (!(error instanceof JournalDamage)) throw error;
      }
    }
  } catch (error) {
    if (!(error instanceof JournalDamage)) throw error;
  }
}

const scenes = [
  { bus: 'virtio', began: 0 },
  { bus: 'nvme', began: 0, direct: { append: 'root=/dev/vda1 rootfstype=xfs init=/bin/x', initrd: undefined } },
  {
    bus: 'usb',
    began: 0,
    kernel: { release: '6.1.0', modules: false },
    direct: { append: '', initrd: Buffer.alloc(4) },
  },
];

/** An inspection never fails because of one file, what it says fits its schema, and it can be shown. */
async function inspection(disk) {
  const image = { source: disk, chain: undefined, [Symbol.asyncDispose]: async () => {} };
  const found = await inspectImage(image, { image: 'mutant' });
  inspectionSchema.parse(found);
  const { length } = JSON.stringify(found);
  if (length > LONGEST_INSPECTION) throw new Error(`an inspection of ${length} characters`);
  for (const { name, rows } of sections) if (found.sections[name] !== undefined) rows(found.sections[name]);
  const scene = scenes[(turn / RARE) % scenes.length];
  if (scene) await examineDisk(image, scene);
  else if (turn % RARE === 1) await livePlaces(disk);
}

/** What checks of powered-off disks ask besides. */
async function livePlaces(disk) {
  const layout = await attempt(() => readLayout(disk));
  const tree = layout && (await attempt(() => openTree(layout)));
  if (!tree) return;
  const off = new PoweredOff(layout, tree, {});
  await attempt(() => kernelReleases(off));
  for (const path of ['/tmp/x', '/etc/localtime', '/var/run/x/..', '/home/me'])
    await attempt(() => off.livePlace(path, true));
}

/** A file whose name alone says its format, and paths that are no image. */
function rawFile(folder) {
  const path = join(folder, `mutant-${process.pid}-${threadId}.raw`);
  return async (disk) => {
    await whole(disk);
    writeFileSync(path, disk.bytes(0, disk.size));
    await attempt(() => openImage(path));
    await attempt(() => openImage(path, { format: 'raw' }));
    await attempt(() => openImage(folder, { format: 'raw' }));
    await openImage(`${path}-absent`, { format: 'raw' });
  };
}

/** A reader that takes something before its first case. */
const lazy = (make) => {
  let made;
  return (disk) => {
    made ??= make();
    return made(disk);
  };
};

/** @param folder where a reader of files may write */
export const readersIn = (folder) => ({
  partitions: readPartitionTable,
  ...Object.fromEntries(IMAGES.map((format) => [format, lazy(() => imageFile(folder, format))])),
  raw: rawFile(folder),
  cpio: async (disk) => [...readCpio(await whole(disk), 2 ** 22)].length,
  luks: async (disk) => {
    const head = await luks.probe(disk);
    // What asks for no more than the limits is then read through the volume as well.
    const asked = head && turn % RARE === 0;
    const key = asked ? await attempt(() => unlock(head, disk, [KEY], KDF_LIMITS)) : undefined;
    return volumes(disk, key ? [KEY] : []);
  },
  stack: (disk) => volumes(disk),
  md: (disk) => volumes(disk),
  lvm: (disk) => volumes(disk),
  'btrfs-devices': (disk) => volumes(disk),
  'rpm-sqlite': async (disk) => rpmPackages(await whole(disk), undefined),
  // The log lies behind the database, whose size stands in its head.
  'rpm-wal': async (disk) => {
    const bytes = await whole(disk);
    const size = Math.min(RPM_DATABASE, bytes.length);
    return rpmPackages(bytes.subarray(0, size), bytes.subarray(size));
  },
  'rpm-ndb': async (disk) => [...ndbBlobs(await whole(disk))].map(readRpmHeader).length,
  journal: async (disk) => journal(await whole(disk)),
  inspection,
  ...faults,
  ...Object.fromEntries(Object.entries(decompressors).map(([name, decode]) => [`codec-${name}`, codec(decode)])),
  // Newer versions of Node have a decoder of their own, which then is the other.
  'codec-zstd': async (disk) => {
    await codec(decompressors.zstd)(disk);
    await codec((bytes, limit) => decodeByFzstd(firstFrame(bytes), limit))(disk);
  },
  fileSystem,
});

/** The places of a disk that are worth changing: where the sound one is read, of an inspection only what files hold. */
export async function placesOf(disk, kind, read) {
  if (kind in faults) return [[0, PAGE]];
  disk.reads = new Map();
  await attempt(() => read(disk));
  const places = [...disk.reads.values()];
  disk.reads = undefined;
  if (kind !== 'inspection') return places;
  const contents = [];
  const vfs = new Vfs(await openFileSystem(disk, fileSystems));
  for await (const { node } of walkTree(vfs, await vfs.resolve('/'))) {
    if (node?.stat.type !== 'file') continue;
    for await (const extent of node.extents())
      if (extent.disk !== undefined) contents.push([extent.disk, Math.min(extent.length, 65536)]);
  }
  return contents;
}

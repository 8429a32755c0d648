// What is done with a mutant, by the kind of its image.
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { readCpio } from '../../../dist/disk/codec/cpio-read.js';
import { decompressors } from '../../../dist/disk/codec/decompress.js';
import { fileSystems, openFileSystem } from '../../../dist/disk/fs/registry.js';
import { openImage } from '../../../dist/disk/image/open.js';
import { readLayout } from '../../../dist/disk/layout.js';
import { readPartitionTable } from '../../../dist/disk/partition/table.js';
import { Vfs } from '../../../dist/disk/vfs.js';
import { luks } from '../../../dist/disk/volume/luks/luks.js';
import { unlock } from '../../../dist/disk/volume/luks/unlock.js';
import { walkTree } from '../../../dist/disk/walk.js';
import { JournalDamage, JournalObjects } from '../../../dist/facts/journal-file/objects.js';
import { readRpmHeader } from '../../../dist/facts/rpm/header.js';
import { ndbBlobs } from '../../../dist/facts/rpm/ndb.js';
import { tableRows } from '../../../dist/facts/rpm/sqlite.js';
import { examineDisk, inspectImage } from '../../../dist/inspect/index.js';
import { inspectionSchema } from '../../../dist/inspect/schema.js';

const PAGE = 4096;
/** What a header of the seed asks for, and a little more. */
const KDF_LIMITS = { iterations: 4000, memory: 64, work: 256 };
const KEY = Buffer.from('passphrase');
const IMAGES = ['qcow2', 'vmdk', 'vhdx', 'vpc', 'vdi'];
const LARGEST_PIECE = 2 ** 20;
const LONGEST_INSPECTION = 4 * 2 ** 20;
const TYPED = [
  ...['corrupt', 'unsupported', 'file-missing', 'no-filesystem'],
  ...['image-corrupt', 'image-format', 'image-refused'],
];

export const isTyped = (error) => error?.name === 'GvmError' && TYPED.includes(error.code);

async function attempt(work) {
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

/** Says which case comes: it chooses what is read besides the names. */
export function turnTo(number) {
  turn = number;
}

async function readFiles(fs) {
  await attempt(() => fs.usage());
  const vfs = new Vfs(fs);
  let files = 0;
  let [contents, skipped] = [0, turn % 11];
  for await (const walked of walkTree(vfs, await vfs.resolve('/'))) {
    files++;
    if ('trouble' in walked) continue;
    const { node } = walked;
    if (node.stat.type === 'symlink') await attempt(() => node.readlink());
    if (skipped-- > 0 || ++contents > CONTENTS) continue;
    skipped = turn % 5;
    await attempt(() => node.xattrs());
    if (node.stat.type !== 'file') continue;
    await attempt(() => node.read(0, 20_000));
    await attempt(() => node.read(Math.max(0, node.stat.size - 3000), 3000));
    await attempt(async () => {
      let [at, left] = [0, 5000];
      for await (const extent of node.extents()) {
        if (extent.offset !== at) throw new Error(`extents leave a gap at ${at}`);
        at += extent.length;
        if (--left === 0) return;
      }
      if (at !== node.stat.size) throw new Error(`extents end at ${at}, the size is ${node.stat.size}`);
    });
  }
  return files;
}

async function fileSystem(disk) {
  const fs = await openFileSystem(disk, fileSystems);
  return fs ? readFiles(fs) : 0;
}

async function volumes(disk, keys = []) {
  let files = 0;
  for (const { fs } of (await readLayout(disk, { keys })).volumes)
    if (fs) files += (await attempt(() => readFiles(fs))) ?? 0;
  return files;
}

const whole = (disk) => disk.read(0, disk.size);

const codec = (name) => async (disk) => {
  const bytes = decompressors[name](await whole(disk), LARGEST_PIECE);
  if (bytes && bytes.length > LARGEST_PIECE)
    throw new Error(`${bytes.length} bytes where ${LARGEST_PIECE} were allowed`);
};

/** The pages that were changed are written to a file, for this reader takes files; those of the case before set back. */
function imageFile(folder, format) {
  const path = join(folder, `mutant-${process.pid}-${threadId}.${format}`);
  let file;
  let before = [];
  return async (disk) => {
    if (file === undefined) {
      file = openSync(path, 'w');
      writeSync(file, disk.bytes(0, disk.size), 0, disk.size, 0);
      // openImage reads a file, not this disk: its places are all pages that say something.
      for (let at = 0; at < disk.size; at += PAGE) {
        const bytes = disk.bytes(at, Math.min(PAGE, disk.size - at));
        if (bytes.some((byte) => byte !== bytes[0])) await disk.read(at, bytes.length);
      }
    }
    const pages = [...disk.changed.keys()];
    for (const index of new Set([...before, ...pages])) {
      const bytes = disk.bytes(index * PAGE, Math.min(PAGE, disk.size - index * PAGE));
      writeSync(file, bytes, 0, bytes.length, index * PAGE);
    }
    before = pages;
    const { snapshots = [] } = (await openImage(path, { format })).layers[0];
    for (const { id } of snapshots.slice(0, 4)) await openImage(path, { format, snapshot: id });
  };
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

/** An inspection never fails because of one file, and what it says fits its schema. */
async function inspection(disk) {
  const image = { source: disk, chain: undefined, [Symbol.asyncDispose]: async () => {} };
  const found = await inspectImage(image, { image: 'mutant' });
  inspectionSchema.parse(found);
  const { length } = JSON.stringify(found);
  if (length > LONGEST_INSPECTION) throw new Error(`an inspection of ${length} characters`);
  if (turn % RARE === 0) await examineDisk(image, { bus: 'virtio', began: 0 });
}

/** @param folder where a reader of files may write */
export const readersIn = (folder) => ({
  partitions: readPartitionTable,
  ...Object.fromEntries(IMAGES.map((format) => [format, imageFile(folder, format)])),
  cpio: async (disk) => [...readCpio(await whole(disk), 2 ** 22)].length,
  luks: async (disk) => {
    const head = await luks.probe(disk);
    // What asks for no more than the limits is then read through the volume as well.
    const asked = head && turn % RARE === 0;
    const key = asked ? await attempt(() => unlock(head, disk, [KEY], KDF_LIMITS)) : undefined;
    return volumes(disk, key ? [KEY] : []);
  },
  md: (disk) => volumes(disk),
  lvm: (disk) => volumes(disk),
  'btrfs-devices': (disk) => volumes(disk),
  'rpm-sqlite': async (disk) => {
    for (const [, blob] of tableRows(await whole(disk), undefined, 'Packages'))
      if (Buffer.isBuffer(blob)) readRpmHeader(blob);
  },
  'rpm-ndb': async (disk) => [...ndbBlobs(await whole(disk))].map(readRpmHeader).length,
  journal: async (disk) => journal(await whole(disk)),
  inspection,
  ...Object.fromEntries(Object.keys(decompressors).map((name) => [`codec-${name}`, codec(name)])),
  fileSystem,
});

/** The places of a disk that are worth changing: where the sound one is read, of an inspection only what files hold. */
export async function placesOf(disk, kind, read) {
  disk.reads = new Map();
  await read(disk);
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

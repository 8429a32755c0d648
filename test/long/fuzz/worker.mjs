// Reads mutants of one sound image, case after case. It tells the main thread where it is, so that one which never ends
// is found from outside; what is thrown must be one of the errors that readers may end with.
import { parentPort, workerData } from 'node:worker_threads';
import { readCpio } from '../../../dist/disk/codec/cpio-read.js';
import { fileSystems, openFileSystem } from '../../../dist/disk/fs/registry.js';
import { readLayout } from '../../../dist/disk/layout.js';
import { readPartitionTable } from '../../../dist/disk/partition/table.js';
import { checkRange } from '../../../dist/disk/source/source.js';
import { Vfs } from '../../../dist/disk/vfs.js';
import { luks } from '../../../dist/disk/volume/luks/luks.js';
import { unlock } from '../../../dist/disk/volume/luks/unlock.js';
import { walkTree } from '../../../dist/disk/walk.js';
import { repairs } from './repair.mjs';

const PAGE = 4096;
const LARGEST_READ = 2 ** 24;
const VOLUMES = ['md', 'lvm', 'luks', 'btrfs-devices'];
/** What a header of the seed asks for, and a little more. */
const KDF_LIMITS = { iterations: 4000, memory: 64, work: 256 };
const KEY = Buffer.from('passphrase');
const TYPED = ['corrupt', 'unsupported', 'file-missing', 'no-filesystem'];
const { kind, size, pages, first, step, count, seed, single } = workerData;

/** mulberry32: the same numbers for the same seed, everywhere. */
function random(start) {
  let a = start >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A disk of which only the pages that are not zero are kept; changed pages stand over the sound ones. */
class Pages {
  size = size;
  changed = new Map();
  reads = undefined;
  largest = 0;

  page(index) {
    return this.changed.get(index) ?? pages.get(index);
  }

  async read(offset, length) {
    checkRange(this, offset, length);
    if (length > LARGEST_READ) throw new Error(`a read of ${length} bytes at once`);
    this.largest = Math.max(this.largest, length);
    if (this.reads && length > 0 && length <= 65536) this.reads.set(`${offset}+${length}`, [offset, length]);
    const bytes = Buffer.alloc(length);
    for (let at = offset; at < offset + length; ) {
      const index = Math.floor(at / PAGE);
      const end = Math.min(offset + length, (index + 1) * PAGE);
      const page = this.page(index);
      if (page)
        Buffer.from(page.buffer, page.byteOffset, PAGE).copy(bytes, at - offset, at - index * PAGE, end - index * PAGE);
      at = end;
    }
    return bytes;
  }

  write(offset, bytes) {
    for (let i = 0; i < bytes.length; i++) {
      const index = Math.floor((offset + i) / PAGE);
      let page = this.changed.get(index);
      if (!page) {
        page = Buffer.alloc(PAGE);
        const sound = pages.get(index);
        if (sound) page.set(sound);
        this.changed.set(index, page);
      }
      page[(offset + i) % PAGE] = bytes[i];
    }
  }

  async *extents(offset, length) {
    yield { offset, length, zero: false, hole: false };
  }
}

const isTyped = (error) => error?.name === 'GvmError' && TYPED.includes(error.code);

async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    if (!isTyped(error)) throw error;
    return undefined;
  }
}

async function readAll(source) {
  if (kind === 'partitions') return readPartitionTable(source);
  if (kind === 'cpio') return [...readCpio(await source.read(0, source.size), 2 ** 22)].length;
  if (kind === 'luks') {
    const head = await luks.probe(source);
    if (head) await attempt(() => unlock(head, source, [KEY], KDF_LIMITS));
  }
  if (VOLUMES.includes(kind)) {
    let files = 0;
    for (const { fs } of (await readLayout(source)).volumes) if (fs) files += (await attempt(() => readFiles(fs))) ?? 0;
    return files;
  }
  const fs = await openFileSystem(source, fileSystems);
  return fs ? readFiles(fs) : 0;
}

async function readFiles(fs) {
  await attempt(() => fs.usage());
  const vfs = new Vfs(fs);
  let files = 0;
  for await (const walked of walkTree(vfs, await vfs.resolve('/'))) {
    files++;
    if ('trouble' in walked) continue;
    const { node } = walked;
    await attempt(() => node.xattrs());
    if (node.stat.type === 'symlink') await attempt(() => node.readlink());
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

const disk = new Pages();
disk.reads = new Map();
await readAll(disk);
// What the sound image is read by are the places worth changing: its live metadata, and the beginnings of its data.
const places = [...disk.reads.values()];
disk.reads = undefined;
const VALUES = [0, 1, 0x7f, 0x80, 0xfe, 0xff];
const tally = { cases: 0, results: 0, errors: 0, repaired: 0, arrayBuffers: 0 };

async function one(number) {
  const next = random(Math.imul(seed, 1_000_003) + number);
  const pick = (list) => list[Math.floor(next() * list.length)];
  disk.changed.clear();
  for (let edits = 1 + Math.floor(next() * 6); edits > 0; edits--) {
    const [offset, length] = pick(places);
    const at = offset + Math.floor(next() * Math.min(length, size - offset));
    const value = next() < 0.5 ? pick(VALUES) : Math.floor(next() * 256);
    disk.write(at, Buffer.alloc(Math.min(next() < 0.2 ? 4 : 1, size - at), value));
  }
  if (repairs[kind] && next() < 0.5) {
    await repairs[kind](disk, places);
    tally.repaired++;
  }
  try {
    await readAll(disk);
    tally.results++;
  } catch (error) {
    if (!isTyped(error)) throw new Error(`case ${number}: ${error?.stack ?? error}`);
    tally.errors++;
  }
  tally.cases++;
  tally.arrayBuffers = Math.max(tally.arrayBuffers, process.memoryUsage().arrayBuffers);
}

if (single !== undefined) await one(single);
else {
  for (let number = first; number < count; number += step) {
    parentPort.postMessage({ begin: number });
    await one(number);
  }
}
parentPort.postMessage({ tally });

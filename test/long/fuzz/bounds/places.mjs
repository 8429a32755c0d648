// Numbers as bytes, and where structures stand on a disk.
export const u16 = (value) => Buffer.from([value & 0xff, value >>> 8]);
export const be16 = (value) => u16(value).reverse();
export const u32 = (value) => Buffer.from(new Uint32Array([value]).buffer);
export const be32 = (value) => u32(value).reverse();
export const u64 = (value) => Buffer.from(new BigUint64Array([BigInt(value)]).buffer);
export const be64 = (value) => u64(value).reverse();

/** Where bytes stand, at whole steps. */
export function placesOf(disk, bytes, step = 1) {
  const wanted = Buffer.from(bytes, 'latin1');
  const found = [];
  for (const index of disk.numbers()) {
    const page = disk.bytes(index * 4096, Math.min(4096, disk.size - index * 4096));
    for (let at = page.indexOf(wanted); at >= 0; at = page.indexOf(wanted, at + 1))
      if ((index * 4096 + at) % step === 0) found.push(index * 4096 + at);
  }
  if (found.length === 0) throw new Error(`nothing of the disk is ${wanted.toString('hex')}`);
  return found;
}

/** A write at each place, moved on by some bytes. */
export const writeAll = (disk, places, offset, bytes) => {
  for (const at of places) disk.write(at + offset, bytes);
};

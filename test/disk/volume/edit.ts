import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

const MD_MAGIC = 0xa92b4efc;

/** Where the superblocks of MD stand in a fixture, in order. */
export function mdPlaces(bytes: Buffer): number[] {
  const places: number[] = [];
  for (let at = 0; at + 4096 <= bytes.length; at += 512) if (bytes.readUInt32LE(at) === MD_MAGIC) places.push(at);
  return places;
}

/** Makes the checksum of an MD superblock right again. */
export function sealMd(bytes: Buffer, at: number): void {
  const sb = bytes.subarray(at, at + 4096);
  const old = sb.readUInt32LE(4) === 0;
  const end = old ? 4096 : Math.min(4096, 256 + sb.readUInt32LE(220) * 2);
  sb.writeUInt32LE(0, old ? 152 : 216);
  let sum = 0;
  for (let i = 0; i + 4 <= end; i += 4) sum += sb.readUInt32LE(i);
  if (end % 4 !== 0) sum += sb.readUInt16LE(end - 2);
  sb.writeUInt32LE(((sum % 2 ** 32) + Math.floor(sum / 2 ** 32)) >>> 0, old ? 152 : 216);
}

/** The sum of lvm2, as its `calc_crc`. */
export function lvmSum(bytes: Buffer): number {
  return ~crc32(bytes, ~0xf597a6cf >>> 0) >>> 0;
}

/** Where the metadata areas of LVM2 stand in a fixture, in order. */
export function lvmAreas(bytes: Buffer): number[] {
  const areas: number[] = [];
  for (let at = bytes.indexOf(' LVM2 x[5A%r0N*>'); at >= 0; at = bytes.indexOf(' LVM2 x[5A%r0N*>', at + 1))
    areas.push(at - 4);
  return areas;
}

/** Writes another text into every metadata area, at an offset behind which it may go round. */
export function editLvm(bytes: Buffer, edit: (text: string) => string, place = (_size: number) => 512): Buffer {
  for (const area of lvmAreas(bytes)) {
    const [at, length] = [Number(bytes.readBigUInt64LE(area + 40)), Number(bytes.readBigUInt64LE(area + 48))];
    const size = Number(bytes.readBigUInt64LE(area + 32));
    const text = Buffer.from(edit(bytes.toString('latin1', area + at, area + at + length)), 'latin1');
    const start = place(size);
    const first = Math.min(text.length, size - start);
    text.copy(bytes, area + start, 0, first);
    text.copy(bytes, area + 512, first);
    bytes.writeBigUInt64LE(BigInt(start), area + 40);
    bytes.writeBigUInt64LE(BigInt(text.length), area + 48);
    bytes.writeUInt32LE(lvmSum(text), area + 56);
    bytes.writeUInt32LE(lvmSum(bytes.subarray(area + 4, area + 512)), area);
  }
  return bytes;
}

/** Writes another JSON into both headers of a LUKS2 volume. */
// biome-ignore lint/suspicious/noExplicitAny: tests put anything into it.
export function editLuks(bytes: Buffer, edit: (json: any) => void): Buffer {
  const size = Number(bytes.readBigUInt64BE(8));
  for (const start of [0, size]) {
    const area = bytes.subarray(start + 4096, start + size);
    const json = JSON.parse(area.toString('utf8', 0, area.indexOf(0)));
    edit(json);
    area.fill(0);
    area.write(JSON.stringify(json));
    bytes.fill(0, start + 448, start + 512);
    createHash('sha256')
      .update(bytes.subarray(start, start + size))
      .digest()
      .copy(bytes, start + 448);
  }
  return bytes;
}

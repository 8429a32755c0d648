// Writes a picture as PNG (W3C "Portable Network Graphics", third edition): 8-bit RGB, one IDAT chunk, rows unfiltered
// but for those that repeat the one above. It writes no palette, no transparency and no text.
import { crc32, deflateSync } from 'node:zlib';
import type { Picture } from './ppm.ts';

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
const NONE = 0;
const UP = 2;

export function encodePng({ width, height, pixels }: Picture): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  // Eight bits a sample, true colour; the other three bytes have one value only.
  head.set([8, 2, 0, 0, 0], 8);
  const stride = width * 3;
  const rows = Buffer.alloc(height * (stride + 1));
  for (let y = 0; y < height; y++) {
    const row = pixels.subarray(y * stride, (y + 1) * stride);
    const repeats = y > 0 && row.equals(pixels.subarray((y - 1) * stride, y * stride));
    rows[y * (stride + 1)] = repeats ? UP : NONE;
    if (!repeats) row.copy(rows, y * (stride + 1) + 1);
  }
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

import { crc32, inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodePng } from '../../../src/lab/screen/png.ts';
import { isBlank, type Picture, parsePpm } from '../../../src/lab/screen/ppm.ts';

const picture = fc
  .record({ width: fc.integer({ min: 1, max: 20 }), height: fc.integer({ min: 1, max: 20 }), repeat: fc.boolean() })
  .chain(({ width, height, repeat }) => {
    const row = fc.uint8Array({ minLength: width * 3, maxLength: width * 3 });
    const rows = repeat
      ? row.map((one) => Array(height).fill(one))
      : fc.array(row, { minLength: height, maxLength: height });
    return rows.map((all): Picture => ({ width, height, pixels: Buffer.concat(all) }));
  });

/** The chunks of a PNG file, their sums checked. */
function chunksOf(png: Buffer): Map<string, Buffer> {
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const named = png.subarray(at + 4, at + 8 + length);
    expect(png.readUInt32BE(at + 8 + length)).toBe(crc32(named));
    chunks.set(named.toString('latin1', 0, 4), named.subarray(4));
    at += length + 12;
  }
  return chunks;
}

/** The pixels of a PNG file that uses the filters None and Up. */
function pixelsOf(png: Buffer): Buffer {
  const chunks = chunksOf(png);
  expect([...chunks.keys()]).toEqual(['IHDR', 'IDAT', 'IEND']);
  const stride = (chunks.get('IHDR')?.readUInt32BE(0) ?? 0) * 3;
  const rows = inflateSync(chunks.get('IDAT') ?? '');
  const decoded: Buffer[] = [];
  for (let at = 0; at < rows.length; at += stride + 1) {
    const above = rows[at] === 2 ? decoded.at(-1) : undefined;
    const row = rows.subarray(at + 1, at + 1 + stride);
    decoded.push(Buffer.from(row.map((value, i) => (value + (above?.[i] ?? 0)) & 0xff)));
  }
  return Buffer.concat(decoded);
}

test('what is written as PNG has the same pixels, and what QEMU writes is read', () => {
  fc.assert(
    fc.property(picture, (one) => {
      const ppm = Buffer.concat([Buffer.from(`P6\n${one.width} ${one.height}\n255\n`), one.pixels]);
      expect(parsePpm(ppm)).toEqual(one);
      expect(pixelsOf(encodePng(one)).equals(one.pixels)).toBe(true);
    }),
  );
});

test.each([
  ['nothing', Buffer.alloc(0)],
  ['one that is cut short', Buffer.from('P6\n2 1\n255\n12345')],
  ['one without an area', Buffer.from('P6\n0 0\n255\n')],
  ['an immense one', Buffer.from('P6\n99999999 99999999\n255\n')],
  ['another form', Buffer.from('P5\n1 1\n255\n1')],
])('%s is no picture', (_name, bytes) => {
  expect(parsePpm(bytes)).toBeUndefined();
});

test('a screen of one colour is blank', () => {
  const pixels = Buffer.from('001122001122001122001122', 'hex');
  expect(isBlank({ width: 2, height: 2, pixels })).toBe(true);
  expect(isBlank({ width: 2, height: 2, pixels: Buffer.from('001122001122001122001123', 'hex') })).toBe(false);
});

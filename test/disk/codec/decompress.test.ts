import { execFileSync } from 'node:child_process';
import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { createXXHash64 } from 'hash-wasm';
import { describe, expect, it } from 'vitest';
import { crc64 } from '../../../src/disk/codec/crc64.ts';
import { decompressors } from '../../../src/disk/codec/decompress.ts';
import { xxh64 } from '../../../src/disk/codec/xxh64.ts';
import { decodeByFzstd, firstFrame } from '../../../src/disk/codec/zstd.ts';

/** Bytes of many kinds: random, runs, text that repeats at a distance. */
const samples: Buffer[] = [
  Buffer.alloc(0),
  Buffer.from('a'),
  Buffer.alloc(100_000, 'x'),
  Buffer.from('the quick brown fox '.repeat(4000)),
  Buffer.from(Uint8Array.from({ length: 50_000 }, (_, i) => (i * i * 31 + (i >> 5)) & 0xff)),
  Buffer.from(Uint8Array.from({ length: 70_000 }, (_, i) => Math.imul(i ^ (i >>> 3), 2654435761) >>> 24)),
];

const pack = (tool: string, args: string[]) => (input: Buffer) =>
  execFileSync(tool, [...args, '-c'], { input, maxBuffer: 2 ** 24, stdio: ['pipe', 'pipe', 'ignore'] });

const cases: [string, (input: Buffer) => Buffer, (input: Uint8Array, limit: number) => Buffer | undefined][] = [
  ['zlib', deflateSync, decompressors.zlib],
  ['gzip', gzipSync, decompressors.gzip],
  ['xz', pack('xz', ['-9', '--check=crc32']), decompressors.xz],
  ['xz with other bits', pack('xz', ['--lzma2=lc=1,lp=2,pb=0,dict=4KiB', '--check=crc64']), decompressors.xz],
  ['xz in small blocks with the x86 filter', pack('xz', ['--block-size=20000', '--x86', '--lzma2']), decompressors.xz],
  ['lzma', pack('xz', ['--format=lzma']), decompressors.lzma],
  ['zstd', pack('zstd', ['-q']), decompressors.zstd],
  ['zstd by fzstd', pack('zstd', ['-q', '-1']), decodeByFzstd],
];

describe.each(cases)('%s', (_, compress, decode) => {
  it('gives what was compressed, and nothing beyond the limit', () => {
    for (const sample of samples) {
      const packed = compress(sample);
      expect(decode(packed, Math.max(1, sample.length))?.equals(sample), `${sample.length} bytes`).toBe(true);
      if (sample.length > 1) expect(decode(packed, sample.length - 1)).toBeUndefined();
    }
  });

  it('ends in bytes or nothing whatever it is given', () => {
    const packed = compress(samples[3] as Buffer);
    const edit = fc.tuple(fc.nat({ max: packed.length - 1 }), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), fc.nat({ max: packed.length }), (edits, end) => {
        const bytes = Buffer.from(packed);
        for (const [at, value] of edits) bytes[at] = value;
        for (const input of [bytes, bytes.subarray(0, end)]) {
          const out = decode(input, 100_000);
          expect(out === undefined || out.length <= 100_000).toBe(true);
        }
      }),
      { numRuns: 25 },
    );
  });
});

it('finds where a frame of Zstandard ends', () => {
  for (const sample of samples) {
    const packed = pack('zstd', ['-q'])(sample);
    const padded = Buffer.concat([packed, Buffer.alloc(1000)]);
    expect(firstFrame(padded).length).toBe(packed.length);
    expect(firstFrame(packed.subarray(0, 5)).length).toBe(5);
  }
});

describe.each([
  ['its own', decompressors.zstd],
  ['fzstd', decodeByFzstd],
])('a decoder of Zstandard, %s', (_, decode) => {
  const packed = samples.map(pack('zstd', ['-q', '--check']));
  const skipped = Buffer.concat([Buffer.from('502a4d1803000000', 'hex'), Buffer.from('any')]);

  it('reads frame after frame, and passes over those that say nothing', () => {
    const all = Buffer.concat(samples);
    const input = Buffer.concat([skipped, ...packed, skipped]);
    expect(decode(input, all.length)?.equals(all)).toBe(true);
    expect(decode(input, all.length - 1)).toBeUndefined();
    expect(decode(Buffer.concat([input, Buffer.from('more')]), all.length)).toBeUndefined();
    expect(decode(skipped, 10)).toHaveLength(0);
  });

  it('refuses content that is not what the checksum is of', () => {
    for (const [i, frame] of packed.entries()) {
      const damaged = Buffer.from(frame);
      damaged[frame.length - 1] = (damaged.at(-1) as number) ^ 1;
      expect(decode(damaged, 200_000), `sample ${i}`).toBeUndefined();
    }
  });
});

it('sums as xxHash does', async () => {
  const hash = await createXXHash64();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(xxh64(bytes).toString(16).padStart(16, '0')).toBe(hash.init().update(bytes).digest('hex'));
    }),
    { numRuns: 500 },
  );
});

it('sums as the catalogue of checks says', () => {
  expect(crc64(Buffer.from('123456789'))).toBe(0x995dc9bbdf1939fan);
  expect(crc64(Buffer.alloc(0))).toBe(0n);
});

describe.each(['crc32', 'crc64', 'sha256'])('an xz file with the check %s', (check) => {
  const sample = (samples[5] as Buffer).subarray(0, 900);
  const packed = pack('xz', [`--check=${check}`, '--block-size=600'])(sample);
  const changed = (at: number) => {
    const bytes = Buffer.from(packed);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    return bytes;
  };

  it('is read', () => {
    const twice = Buffer.concat([packed, Buffer.alloc(8), packed]);
    expect(decompressors.xz(twice, 1800)).toEqual(Buffer.concat([sample, sample]));
  });

  it('is nothing where any one byte of it is another', () => {
    const taken = Array.from(packed.keys()).filter((at) => decompressors.xz(changed(at), sample.length));
    expect(taken).toEqual([]);
  });
});

// lz4 and lzo blocks have no tool that writes them bare; squashfs images made with both are read in its own tests.
describe.each(['lz4', 'lzo'] as const)('%s', (name) => {
  it('ends in bytes or nothing whatever it is given', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 5000 }), (input, limit) => {
        const out = decompressors[name](input, limit);
        expect(out === undefined || out.length <= limit).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

import { createHash } from 'node:crypto';
import { crc32c } from '../../../core/index.ts';
import { unsupported } from '../../trouble.ts';

/** Only few file systems need it, and loading it takes as long as reading a small image. */
const hashes = () => import('hash-wasm');

/** How the checksums of one file system are made. */
export interface Sum {
  name: 'crc32c' | 'xxhash64' | 'sha256' | 'blake2b';
  /** Bytes of a checksum. */
  size: number;
  of(bytes: Buffer): Buffer;
}

/** Checksums by their number in the superblock. @throws GvmError `unsupported` */
export async function openSum(kind: number): Promise<Sum> {
  switch (kind) {
    case 0:
      return { name: 'crc32c', size: 4, of: crc32cOf };
    case 1: {
      const hash = await (await hashes()).createXXHash64();
      // The library gives it as people write it, the disk has it as a little-endian number.
      return {
        name: 'xxhash64',
        size: 8,
        of: (bytes) => Buffer.from(hash.init().update(bytes).digest('binary')).reverse(),
      };
    }
    case 2:
      return { name: 'sha256', size: 32, of: (bytes) => createHash('sha256').update(bytes).digest() };
    case 3: {
      const hash = await (await hashes()).createBLAKE2b(256);
      return { name: 'blake2b', size: 32, of: (bytes) => Buffer.from(hash.init().update(bytes).digest('binary')) };
    }
    default:
      throw unsupported('Btrfs file system', `checksums of kind ${kind}`);
  }
}

function crc32cOf(bytes: Buffer): Buffer {
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(~crc32c(0xffffffff, bytes) >>> 0);
  return sum;
}

// Decrypts sectors as dm-crypt does: aes in the modes xts-plain64, xts-plain, cbc-essiv:sha256, cbc-plain64, cbc-plain.
// Specification: Documentation/admin-guide/device-mapper/dm-crypt.rst and drivers/md/dm-crypt.c of Linux.
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { unsupported } from '../../trouble.ts';

/** Decrypts whole sectors in place of a copy; `first` is the number of the first one, in units of 512 bytes. */
export type Decrypt = (bytes: Buffer, first: number) => Buffer;

const MODES = ['xts-plain64', 'xts-plain', 'cbc-essiv:sha256', 'cbc-plain64', 'cbc-plain'];

/** @throws GvmError `unsupported` (names the cipher) */
export function openCipher(encryption: string, key: Buffer, sectorSize: number): Decrypt {
  const [, name, mode = ''] = /^(\w+)-(.+)$/.exec(encryption) ?? [];
  const xts = mode.startsWith('xts');
  const bits = (key.length * 8) / (xts ? 2 : 1);
  const sizes = xts ? [128, 256] : [128, 192, 256];
  if (name !== 'aes' || !MODES.includes(mode) || !sizes.includes(bits)) {
    const shown = /^[\w:-]{1,64}$/.test(encryption) ? encryption : 'a cipher without a name';
    throw unsupported('LUKS volume', `${shown} with a key of ${key.length * 8} bits`);
  }
  const cipher = `aes-${bits}-${xts ? 'xts' : 'cbc'}`;
  const essiv = mode.includes('essiv') && createHash('sha256').update(key).digest();
  const vector = Buffer.alloc(16);
  const vectorOf = (sector: number): Buffer => {
    vector.writeUInt32LE(sector % 2 ** 32, 0);
    vector.writeUInt32LE(mode.endsWith('plain') ? 0 : Math.floor(sector / 2 ** 32), 4);
    if (!essiv) return vector;
    const encrypt = createCipheriv('aes-256-ecb', essiv, null).setAutoPadding(false);
    return encrypt.update(vector);
  };
  return (bytes, first) => {
    const clear = Buffer.allocUnsafe(bytes.length);
    for (let at = 0; at < bytes.length; at += sectorSize) {
      const decrypt = createDecipheriv(cipher, key, vectorOf(first + at / 512)).setAutoPadding(false);
      decrypt.update(bytes.subarray(at, at + sectorSize)).copy(clear, at);
    }
    return clear;
  };
}

import { timingSafeEqual } from 'node:crypto';
import { isGvmError } from '../../../errors/index.ts';
import type { BlockSource } from '../../source/source.ts';
import { corrupt } from '../../trouble.ts';
import { openCipher } from './cipher.ts';
import { checkHash, type DeriveLimits, deriveKey } from './derive.ts';
import type { KeySlot, LuksHead } from './head.ts';
import { joinStripes } from './split.ts';

const SECTOR = 512;
const LARGEST_KEY = 128;
const MOST_STRIPES = 8192;

/**
 * The volume key by one of the passphrases; undefined where no slot takes one. A slot that cannot be used stands in
 * nobody's way as long as another opens.
 * @throws GvmError `corrupt`, `unsupported` where no slot opens and one could not be tried
 */
export async function unlock(
  head: LuksHead,
  source: BlockSource,
  passphrases: readonly Buffer[],
  limits: DeriveLimits,
  signal?: AbortSignal,
): Promise<Buffer | undefined> {
  let trouble: unknown;
  for (const slot of head.slots) {
    for (const passphrase of passphrases) {
      try {
        const key = await openSlot(slot, source, passphrase, limits, signal);
        if (await isRight(head, slot, key, limits, signal)) return key;
      } catch (error) {
        if (!isGvmError(error)) throw error;
        trouble ??= error;
        break;
      }
    }
  }
  if (trouble) throw trouble;
  return undefined;
}

async function openSlot(
  slot: KeySlot,
  source: BlockSource,
  passphrase: Buffer,
  limits: DeriveLimits,
  signal?: AbortSignal,
): Promise<Buffer> {
  const { area, keySize, stripes, kdf, hash } = slot;
  const size = Math.ceil((keySize * stripes) / SECTOR) * SECTOR;
  const bad =
    keySize === 0 || keySize > LARGEST_KEY || area.keySize > LARGEST_KEY || stripes === 0 || stripes > MOST_STRIPES;
  if (bad || keySize * stripes > area.size || area.offset + size > source.size) {
    const what = `${stripes} stripes of ${keySize} bytes in ${area.size} bytes`;
    throw corrupt(`LUKS key slot ${/^\d+$/.test(slot.number) ? slot.number : ''}`.trim(), area.offset, what);
  }
  checkHash(hash);
  const derived = await deriveKey(kdf, passphrase, area.keySize, limits, signal);
  const decrypt = openCipher(area.encryption, derived, SECTOR);
  return joinStripes(decrypt(await source.read(area.offset, size, signal), 0), keySize, stripes, hash);
}

async function isRight(
  head: LuksHead,
  slot: KeySlot,
  key: Buffer,
  limits: DeriveLimits,
  signal?: AbortSignal,
): Promise<boolean> {
  for (const { slots, kdf, digest } of head.digests) {
    if (!slots.includes(slot.number) || digest.length < 16) continue;
    const own = await deriveKey(kdf, key, digest.length, limits, signal);
    if (timingSafeEqual(own, digest)) return true;
  }
  return false;
}

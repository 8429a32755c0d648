// Reads: headers of LUKS1. Specification: LUKS On-Disk Format Specification 1.2.3 (cryptsetup, docs/on-disk-format.pdf).
// Does not read: detached headers. It has no checksums.
import type { ByteView } from '../../../core/index.ts';
import type { KeySlot, LuksHead } from './head.ts';

const SECTOR = 512;
const SLOTS = 208;
const SLOT = 48;
const SLOT_COUNT = 8;
const ACTIVE = 0x00ac71f3;
export const LUKS1_SIZE = 592;

/** @throws GvmError `corrupt` */
export function readLuks1(header: ByteView): LuksHead {
  const encryption = `${header.latin1(8, 32)}-${header.latin1(40, 32)}`;
  const hash = header.latin1(72, 32).toLowerCase();
  const keySize = header.u32be(108);
  const slots: KeySlot[] = [];
  for (let number = 0; number < SLOT_COUNT; number++) {
    const slot = header.view(SLOTS + number * SLOT, SLOT, 'LUKS1 key slot');
    if (slot.u32be(0) !== ACTIVE) continue;
    const stripes = slot.u32be(44);
    slots.push({
      number: String(number),
      kdf: { type: 'pbkdf2', hash, iterations: slot.u32be(4), salt: slot.slice(8, 32) },
      keySize,
      stripes,
      hash,
      area: { offset: slot.u32be(40) * SECTOR, size: keySize * stripes, keySize, encryption },
    });
  }
  const offset = header.u32be(104) * SECTOR;
  return {
    version: 1,
    uuid: header.latin1(168, 40),
    label: undefined,
    slots,
    digests: [
      {
        slots: slots.map(({ number }) => number),
        kdf: { type: 'pbkdf2', hash, iterations: header.u32be(164), salt: header.slice(132, 32) },
        digest: header.slice(112, 20),
      },
    ],
    data: { offset, size: undefined, encryption, sectorSize: SECTOR, ivTweak: 0 },
    refused: offset === 0 ? 'detached headers' : undefined,
    diagnostics: [],
  };
}

// The machine code of proof.s, which explains it. Bytes rather than a build step, so that no host needs an assembler.
const CODE: readonly (readonly [hex: string, what: string])[] = [
  ['fa fc 66 31 c0 8e d8 8e c0', 'no interrupts; data segments at 0'],
  ['bf 00 10 b9 00 18 f3 ab', 'clear three page tables at 0x1000'],
  ['c7 06 00 10 03 20 c7 06 00 20 03 30 c7 06 00 30 83 00', 'map the first 2 MiB to themselves'],
  ['b8 00 10 0f 22 d8 b8 20 06 0f 22 e0', 'CR3; CR4: PAE, OSFXSR, OSXMMEXCPT'],
  ['66 b9 80 00 00 c0 0f 32 80 cc 01 0f 30', 'EFER.LME'],
  ['2e 0f 01 16 e8 fe 66 b8 33 00 00 80 0f 22 c0', 'GDT; CR0: paging and protection'],
  ['66 ea 53 fe 0f 00 08 00', 'far jump into 64-bit code, ring 0'],
  ['bf 00 50 00 00 31 c0 31 d2 48 89 07 48 89 47 08', '16 bytes of zero at 0x5000'],
  ['bb 11 11 11 11 b9 33 33 33 33 f0 48 0f c7 0f 75 58', 'lock cmpxchg16b; bad unless it exchanged'],
  ['f3 0f 6f 07 66 0f d4 c0 66 48 0f 7e c0', 'movdqu, paddq, movq'],
  ['3d 22 22 22 22 75 44', 'bad unless doubled'],
  ['bd 03 00 00 00', 'three rounds'],
  ['b0 42 e6 e9', 'report B'],
  ['e4 61 24 fc 0c 01 e6 61 b0 b0 e6 43 b0 ff e6 42 e6 42', 'start timer 2 from 65535'],
  ['b9 a0 86 01 00 ff c9 75 fc', 'count down from 100,000'],
  ['b0 80 e6 43 e4 61 88 c3', 'latch timer 2 and its output'],
  ['b0 45 e6 e9 e4 42 e6 e9 e4 42 e6 e9 88 d8 e6 e9', 'report E, low, high, output'],
  ['ff cd 75 c5', 'next round'],
  ['b0 2a e6 f4', 'leave: good'],
  ['b0 01 e6 f4 f4 eb fd', 'leave: bad'],
  ['00 00 00 00 00', 'padding'],
  ['00 00 00 00 00 00 00 00 ff ff 00 00 00 9b af 00', 'GDT: nothing, 64-bit code'],
  ['0f 00 d8 fe 0f 00', 'its limit and place'],
];
const RESET_VECTOR = 'ea 00 fe 00 f0';

const ROM_SIZE = 64 * 1024;
const CODE_AT = 0xfe00;
const RESET_AT = 0xfff0;

/** Exit code of QEMU when the proof succeeded: isa-debug-exit ends it with `value << 1 | 1`. */
export const PROOF_EXIT = (0x2a << 1) | 1;

/** The image for `-bios`. */
export function proofRom(): Buffer {
  const rom = Buffer.alloc(ROM_SIZE);
  bytes(CODE.map(([hex]) => hex).join(' ')).copy(rom, CODE_AT);
  bytes(RESET_VECTOR).copy(rom, RESET_AT);
  return rom;
}

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}

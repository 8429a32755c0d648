// Reads: the branch filter for x86, which writes the targets of calls and jumps as absolute addresses.
// Specification: xz-embedded, xz_dec_bcj.c describes it; the format has no other document.

const ALLOWED = [true, true, true, false, true, false, false, false];
const BIT_NUMBER = [0, 1, 2, 2, 3, 3, 3, 3];

/** Writes relative addresses again, in place; the bytes begin at address 0. */
export function decodeX86(bytes: Buffer): void {
  let previous = -1;
  let mask = 0;
  const signLike = (byte: number) => byte === 0 || byte === 0xff;
  for (let i = 0; i + 4 < bytes.length; i++) {
    if (((bytes[i] as number) & 0xfe) !== 0xe8) continue;
    const gap = i - previous;
    if (gap > 3) mask = 0;
    else {
      mask = (mask << (gap - 1)) & 7;
      if (mask !== 0) {
        const byte = bytes[i + 4 - (BIT_NUMBER[mask] as number)] as number;
        if (!ALLOWED[mask] || signLike(byte)) {
          previous = i;
          mask = (mask << 1) | 1;
          continue;
        }
      }
    }
    previous = i;
    if (!signLike(bytes[i + 4] as number)) {
      mask = (mask << 1) | 1;
      continue;
    }
    let source = bytes.readUInt32LE(i + 1);
    let target: number;
    for (;;) {
      target = (source - (i + 5)) >>> 0;
      if (mask === 0) break;
      const shift = (BIT_NUMBER[mask] as number) * 8;
      if (!signLike((target >>> (24 - shift)) & 0xff)) break;
      source = (target ^ (2 ** (32 - shift) - 1)) >>> 0;
    }
    target = (target & 0x01ffffff) >>> 0;
    if (target & 0x01000000) target = (target | 0xff000000) >>> 0;
    bytes.writeUInt32LE(target, i + 1);
    i += 4;
  }
}

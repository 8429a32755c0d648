// CRC-64 as .xz files have it: the reflected polynomial 0xc96c5795d7870f42 (ECMA-182), inverted at both ends.
// Specification: "The .xz File Format" 1.2, section 6.

const POLYNOMIAL = 0xc96c5795d7870f42n;
/** The halves of the numbers in the table; one of 64 bits would be a bigint, some hundred times slower. */
const LOW = new Int32Array(256);
const HIGH = new Int32Array(256);
for (let n = 0; n < 256; n++) {
  let crc = BigInt(n);
  for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ POLYNOMIAL : crc >> 1n;
  LOW[n] = Number(crc & 0xffffffffn);
  HIGH[n] = Number(crc >> 32n);
}

export function crc64(bytes: Uint8Array): bigint {
  let [low, high] = [-1, -1];
  for (let i = 0; i < bytes.length; i++) {
    const at = (low ^ (bytes[i] as number)) & 0xff;
    low = (LOW[at] as number) ^ ((low >>> 8) | (high << 24));
    high = (HIGH[at] as number) ^ (high >>> 8);
  }
  return (BigInt(~high >>> 0) << 32n) | BigInt(~low >>> 0);
}

// CRC-32 with the polynomial 0x04c11db7, most significant bit first: checksums of version 1 in journals of ext4.

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc >>> 0;
});

/** The running CRC of bytes, without an inversion at either end. */
export function crc32be(seed: number, bytes: Uint8Array): number {
  let crc = seed;
  for (const byte of bytes) crc = ((crc << 8) ^ (TABLE[((crc >>> 24) ^ byte) & 0xff] as number)) >>> 0;
  return crc >>> 0;
}

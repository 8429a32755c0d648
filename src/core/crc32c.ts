// CRC-32C (Castagnoli), reflected polynomial 0x82f63b78; RFC 3720 B.4. zlib's crc32 has another polynomial.

const TABLES = makeTables();

function makeTables(): Uint32Array[] {
  const first = new Uint32Array(256);
  for (let n = 0; n < 256; n++) {
    let crc = n;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    first[n] = crc >>> 0;
  }
  const tables = [first];
  for (let t = 1; t < 8; t++) {
    const before = tables[t - 1] as Uint32Array;
    tables.push(before.map((crc) => ((crc >>> 8) ^ (first[crc & 0xff] as number)) >>> 0));
  }
  return tables;
}

/**
 * The running CRC-32C of bytes, without the inversion at either end: file systems seed it and chain it.
 * The usual checksum of a whole message is `~crc32c(0xffffffff, bytes) >>> 0`.
 */
export function crc32c(seed: number, bytes: Uint8Array): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES as [
    ...[Uint32Array, Uint32Array, Uint32Array, Uint32Array],
    ...[Uint32Array, Uint32Array, Uint32Array, Uint32Array],
  ];
  const b = bytes as { [index: number]: number };
  let crc = seed >>> 0;
  let i = 0;
  for (const last = bytes.length - 8; i <= last; i += 8) {
    const low = crc ^ ((b[i] as number) | ((b[i + 1] as number) << 8) | ((b[i + 2] as number) << 16));
    const x = low ^ ((b[i + 3] as number) << 24);
    crc =
      (t7[x & 0xff] as number) ^
      (t6[(x >>> 8) & 0xff] as number) ^
      (t5[(x >>> 16) & 0xff] as number) ^
      (t4[x >>> 24] as number) ^
      (t3[b[i + 4] as number] as number) ^
      (t2[b[i + 5] as number] as number) ^
      (t1[b[i + 6] as number] as number) ^
      (t0[b[i + 7] as number] as number);
  }
  for (; i < bytes.length; i++) crc = (crc >>> 8) ^ (t0[(crc ^ (b[i] as number)) & 0xff] as number);
  return crc >>> 0;
}

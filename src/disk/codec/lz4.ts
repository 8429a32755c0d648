// Reads: one block of LZ4. Specification: lz4 doc/lz4_Block_format.md.
// Does not read: LZ4 frames, dictionaries.

/** @returns the bytes, at most `limit`; undefined for a block that is damaged or longer */
export function decodeLz4(input: Uint8Array, limit: number): Buffer | undefined {
  const out = Buffer.allocUnsafe(limit);
  let [ip, op] = [0, 0];
  const length = (first: number): number => {
    let total = first;
    if (first !== 15) return total;
    for (let byte = 255; byte === 255; ) {
      byte = input[ip++] ?? -1;
      if (byte < 0) return Number.POSITIVE_INFINITY;
      total += byte;
    }
    return total;
  };
  while (ip < input.length) {
    const token = input[ip++] as number;
    const literals = length(token >>> 4);
    if (ip + literals > input.length || op + literals > limit) return undefined;
    out.set(input.subarray(ip, ip + literals), op);
    ip += literals;
    op += literals;
    if (ip === input.length) return out.subarray(0, op);
    const distance = (input[ip] as number) | ((input[ip + 1] ?? 0) << 8);
    ip += 2;
    const count = length(token & 15) + 4;
    if (ip > input.length || distance === 0 || distance > op || op + count > limit) return undefined;
    for (let i = 0; i < count; i++, op++) out[op] = out[op - distance] as number;
  }
  return undefined;
}

// Joins what the anti-forensic splitter of LUKS spread. Specification: LUKS On-Disk Format Specification 1.2.3, section 2.4.
import { createHash } from 'node:crypto';

/** The key out of its stripes, each as long as the key. */
export function joinStripes(stripes: Buffer, keySize: number, count: number, hash: string): Buffer {
  const size = createHash(hash).digest().length;
  let key: Buffer = Buffer.alloc(keySize);
  for (let number = 0; number < count; number++) {
    if (number > 0) key = diffuse(key, hash, size);
    const stripe = stripes.subarray(number * keySize, (number + 1) * keySize);
    for (let i = 0; i < keySize; i++) key[i] = (key[i] as number) ^ (stripe[i] as number);
  }
  return key;
}

function diffuse(block: Buffer, hash: string, size: number): Buffer {
  const parts: Buffer[] = [];
  const number = Buffer.alloc(4);
  let length = 0;
  for (let index = 0; length < block.length; index++) {
    number.writeUInt32BE(index);
    const part = block.subarray(length, length + size);
    parts.push(createHash(hash).update(number).update(part).digest().subarray(0, part.length));
    length += part.length;
  }
  return Buffer.concat(parts);
}

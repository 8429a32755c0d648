import { randomBytes } from 'node:crypto';
import { ANSWERED, SETTLED } from '../settling.ts';

/** More than the 256 bits that a kernel's generator holds. */
const ENTROPY = 64;

/**
 * What is run in a fork before anything else: its clock and its entropy are those of the guest that was frozen. A kernel
 * that the machine told of its new generation (vmgenid, Linux 5.18) has drawn new entropy by itself.
 */
export function renewal(): string {
  const bytes = [...randomBytes(ENTROPY)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
  const now = Date.now() / 1000;
  return `echo ${ANSWERED}
printf '${bytes}' 2>/dev/null >/dev/urandom
{ date -u -s @${now.toFixed(3)} || date -u -s @${now.toFixed()}; } >/dev/null 2>&1
echo ${SETTLED}`;
}

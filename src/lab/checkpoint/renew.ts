import { randomBytes } from 'node:crypto';
import { ANSWERED, LACKS, SETTLED } from '../settling.ts';
import type { GuestSpec } from '../spec.ts';
import { identityScript } from './identity.ts';

/** More than the 256 bits that a kernel's generator holds. */
const ENTROPY = 64;

/** What a fork is given before anything else sees it. */
export interface Renewal {
  /** Shell text; the time of day is that of the call. */
  script(): string;
  /** Its SSH host key afterwards, where that is known. */
  hostKey: string | undefined;
}

/**
 * Bytes of the host go into the pool of the kernel's generator. It draws on them at once where the machine told it of a
 * new generation (the driver vmgenid of Linux 5.18), else where it is told to (RNDRESEEDCRNG, random(4)); by itself it
 * would go on for up to a minute as the guest that was frozen.
 */
const RESEED = `for d in /sys/bus/*/drivers/vmgenid/*:*; do [ ! -e "$d" ] || vm=1; done
[ -n "$vm" ] || perl -e 'open F, "<", "/dev/random" or exit 1; ioctl F, 0x5207, 0 or exit 1' ||
  python3 -c 'import fcntl; fcntl.ioctl(open("/dev/random"), 0x5207)' ||
  lack 'new random numbers (its kernel has no driver vmgenid, and there is neither perl nor python3)'`;

/**
 * The clock and the entropy of a fork are those of the guest that was frozen, and so is all that its suite asks for of
 * its own.
 * @param hostKey the SSH host key of the guest that was frozen
 */
export async function renewalOf(
  { name, identity = [], macs = [] }: GuestSpec,
  hostKey: string | undefined,
): Promise<Renewal> {
  const bytes = [...randomBytes(ENTROPY)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
  const own = await identityScript(identity, { name, macs, hostKey });
  const script = () => {
    const now = Date.now() / 1000;
    return `echo ${ANSWERED}
lacks= vm=
lack() { lacks="$lacks\${lacks:+, }$1"; }
{ printf '${bytes}' >/dev/urandom
${RESEED}
date -u -s @${now.toFixed(3)} || date -u -s @${now.toFixed()} || lack 'the time of day'
${own.script}
} >/dev/null 2>&1
if [ -n "$lacks" ]; then echo "${LACKS} $lacks"; else echo ${SETTLED}; fi`;
  };
  return { script, hostKey: own.hostKey };
}

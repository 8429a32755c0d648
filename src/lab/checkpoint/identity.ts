import { randomBytes } from 'node:crypto';
import { generateHostKeys } from '../../guest/index.ts';
import type { Identity } from '../../schema/index.ts';

export interface IdentityOptions {
  /** The guest's name, fit for a host name. */
  name: string;
  /** The MAC addresses of its network cards. */
  macs: readonly string[];
  /** The SSH host key of the guest that was frozen: `ssh-ed25519 AAAA…`. */
  hostKey: string | undefined;
}

/** Shell text that calls `lack WHAT` for what it cannot do. */
interface Part {
  script: string;
  /** The SSH host key from then on. */
  hostKey?: string | undefined;
}

const parts: Record<Identity, (options: IdentityOptions) => Part | Promise<Part>> = {
  hostname: ({ name }) => ({ script: hostname(name) }),
  'machine-id': () => ({ script: machineId(randomBytes(16).toString('hex')) }),
  'mac-addresses': ({ macs }) => ({ script: addresses(macs) }),
  'ssh-host-keys': ({ hostKey }) => hostKeys(hostKey),
};

/** Gives a fork what its suite asks for of its own. */
export async function identityScript(
  identity: readonly Identity[],
  options: IdentityOptions,
): Promise<{ script: string; hostKey: string | undefined }> {
  const all: Part[] = await Promise.all(identity.map((kind) => parts[kind](options)));
  const { hostKey } = all.find((part) => part.hostKey !== undefined) ?? options;
  return { script: all.map(({ script }) => script).join('\n'), hostKey };
}

/** The kernel's, and where it is read from at the next boot: hostname(5), and OpenRC's of Gentoo. */
const hostname = (name: string) => `echo ${name} >/proc/sys/kernel/hostname &&
  echo ${name} >/etc/hostname && echo '127.0.1.1 ${name}' >>/etc/hosts || lack 'a host name'
[ ! -f /etc/conf.d/hostname ] || echo 'hostname="${name}"' >>/etc/conf.d/hostname || lack 'a host name'`;

/** machine-id(5), and what D-Bus has where that is no link to it. */
const machineId = (id: string) => `echo ${id} >/etc/machine-id || lack 'a machine-id'
if [ -f /var/lib/dbus/machine-id ] && [ ! -L /var/lib/dbus/machine-id ]; then
  echo ${id} >/var/lib/dbus/machine-id || lack 'a machine-id'
fi`;

/** A MAC address that no maker of cards has given away: the second bit of its first byte is set. */
export function ownAddress(): string {
  return [2, ...randomBytes(5)].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/**
 * Each card is alone with the host on a network of its own, so its IPv4 address stays; the IPv6 ones follow from the MAC
 * address. The host is told of it (arp_notify), or what runs over the network would break.
 */
const addresses = (macs: readonly string[]) => `set -- ${macs.join(' ')}
for i in /sys/class/net/*; do
  [ -e "$i/device" ] && [ $# -gt 0 ] || continue
  n=\${i##*/} notify=/proc/sys/net/ipv4/conf/\${i##*/}/arp_notify six=/proc/sys/net/ipv6/conf/\${i##*/}/disable_ipv6
  before=0 off=1
  read -r before <"$notify"
  echo 1 >"$notify"
  ip link set dev "$n" address "$1" || busybox ip link set dev "$n" address "$1" || lack "a MAC address ($n)"
  echo "$before" >"$notify"
  [ ! -e "$six" ] || read -r off <"$six"
  [ "$off" = 1 ] || { echo 1 >"$six"; echo 0 >"$six"; }
  shift
done`;

/** Made here, because a slow guest takes seconds for RSA. sshd(8) reads them anew at SIGHUP; its pid file comes back. */
async function hostKeys(before: string | undefined): Promise<Part> {
  const keys = await generateHostKeys();
  const pinned = before?.split(' ')[0];
  const write = keys.map(({ name, type, privateKey, publicKey }) => {
    const file = `/etc/ssh/ssh_host_${name}_key`;
    const absent = type === pinned ? `else lack 'SSH host keys (there is no ${file})'\n` : '';
    return `if [ -f ${file} ]; then
  printf %s '${privateKey}' >${file} && echo '${publicKey}' >${file}.pub || lack 'SSH host keys'
${absent}fi`;
  });
  const script = `${write.join('\n')}
pid= tries=0
for f in /run/sshd.pid /var/run/sshd.pid; do [ ! -r $f ] || { read -r pid <$f; break; }; done
if [ -n "$pid" ]; then
  rm -f $f
  kill -HUP "$pid" || lack 'SSH host keys (its server could not be told)'
  while [ ! -s $f ] && [ $tries -lt 100 ]; do tries=$((tries + 1)); sleep 0.1 || sleep 1; done
  [ -s $f ] || lack 'SSH host keys (its server did not come back)'
fi`;
  return { script, hostKey: keys.find(({ type }) => type === pinned)?.publicKey };
}

// The NoCloud seed of a guest: a small FAT volume with the label CIDATA that cloud-init and the images of gvm read at
// their first boot. Specification: cloud-init documentation, "NoCloud".
import { fatImage } from './fat-image.ts';

export interface SeedOptions {
  /** Another value for each guest: it makes a boot the first one. */
  instanceId: string;
  hostname: string;
  /** Public keys that may log in, `ssh-ed25519 AAAA…`. */
  authorizedKeys: readonly string[];
  /** Who logs in, where that is not root: cloud-init makes such a user, or gives the keys to the one that is there. */
  user?: string;
  become?: 'none' | 'sudo' | 'doas';
  /** The login is by password, so what the image says of passwords stays. */
  password?: boolean;
}

const SERIAL = 0x67766d01;

/** An image may have an SSH server and not start it: Gentoo's does. Without apostrophes, as YAML quotes it. */
const ENABLE_SSHD = [
  'if [ -d /run/systemd/system ]; then systemctl --no-block start sshd || systemctl --no-block start ssh',
  'elif command -v rc-update > /dev/null; then rc-update --quiet add sshd default; fi',
].join('; ');
/**
 * OpenRC has settled what its runlevel starts before cloud-init adds to it. By now cloud-init has made the host keys
 * anew: a server that was started earlier would have others.
 */
const START_SSHD =
  'if [ ! -d /run/systemd/system ] && command -v rc-service > /dev/null; then rc-service --ifstopped sshd start; fi';

/** The bytes of the seed disk. Its values need no quoting: they are gvm's own names and keys. */
export function seedImage(options: SeedOptions): Buffer {
  const { instanceId, hostname, authorizedKeys, password = false } = options;
  const metaData = [`instance-id: ${instanceId}`, `local-hostname: ${hostname}`, ''].join('\n');
  const userData = [
    '#cloud-config',
    'disable_root: false',
    ...(password ? [] : ['ssh_pwauth: false']),
    'ssh_authorized_keys:',
    ...authorizedKeys.map((key) => `  - ${key}`),
    ...userLines(options),
    'bootcmd:',
    `  - '${ENABLE_SSHD}'`,
    'runcmd:',
    `  - '${START_SSHD}'`,
    '',
  ].join('\n');
  return fatImage('CIDATA', SERIAL, [
    { name: 'meta-data', content: Buffer.from(metaData) },
    { name: 'user-data', content: Buffer.from(userData) },
  ]);
}

/** The user in the words of cloud-init's module "users and groups". */
function userLines({ user, become, authorizedKeys }: SeedOptions): string[] {
  if (user === undefined || user === 'root') return [];
  return [
    'users:',
    '  - default',
    `  - name: ${JSON.stringify(user)}`,
    ...(become === 'sudo' ? ['    sudo: "ALL=(ALL) NOPASSWD:ALL"'] : []),
    ...(become === 'doas' ? [`    doas: ["permit nopass ${user}"]`] : []),
    '    ssh_authorized_keys:',
    ...authorizedKeys.map((key) => `      - ${key}`),
  ];
}

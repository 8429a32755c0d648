// The NoCloud seed of a guest: a small FAT volume with the label CIDATA that cloud-init and the images of gvm read at
// their first boot. Specification: cloud-init documentation, "NoCloud".
import { fatImage } from './fat-image.ts';

export interface SeedOptions {
  /** Another value for each guest: it makes a boot the first one. */
  instanceId: string;
  hostname: string;
  /** Public keys that may log in, `ssh-ed25519 AAAA…`. */
  authorizedKeys: readonly string[];
}

const SERIAL = 0x67766d01;

/** The bytes of the seed disk. JSON is YAML, so its quoting serves both. */
export function seedImage({ instanceId, hostname, authorizedKeys }: SeedOptions): Buffer {
  const text = (value: string) => JSON.stringify(value);
  const metaData = [`instance-id: ${text(instanceId)}`, `local-hostname: ${text(hostname)}`, ''].join('\n');
  const userData = [
    '#cloud-config',
    'disable_root: false',
    'ssh_pwauth: false',
    'ssh_authorized_keys:',
    ...authorizedKeys.map((key) => `  - ${text(key)}`),
    '',
  ].join('\n');
  return fatImage('CIDATA', SERIAL, [
    { name: 'meta-data', content: Buffer.from(metaData) },
    { name: 'user-data', content: Buffer.from(userData) },
  ]);
}

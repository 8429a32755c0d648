import ssh2 from 'ssh2';

/** A login key; both halves as OpenSSH writes them. */
export interface LoginKey {
  privateKey: string;
  /** One line of authorized_keys. */
  publicKey: string;
}

/** A fresh ed25519 key: small, and the cheapest to verify in a slow guest. */
export function generateLoginKey(comment: string): LoginKey {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519', { comment });
    // One in two hundred is written malformed by the library (1.17.0): neither it nor OpenSSH can read that.
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error)) {
      return { privateKey: pair.private, publicKey: pair.public };
    }
  }
}

/** A host key of an SSH server, in a file `ssh_host_NAME_key`. */
export interface HostKey extends LoginKey {
  name: 'ed25519' | 'ecdsa' | 'rsa';
  /** As the protocol calls it. */
  type: string;
}

/** A key of each kind that sshd(8) has by itself. */
export async function generateHostKeys(): Promise<HostKey[]> {
  const { privateKey, publicKey } = generateLoginKey('');
  const pair = (name: 'ecdsa' | 'rsa', bits: 256 | 3072) =>
    new Promise<{ private: string; public: string }>((resolve, reject) => {
      ssh2.utils.generateKeyPair(name, { bits }, (error, made) => (error ? reject(error) : resolve(made)));
    });
  const [ecdsa, rsa] = await Promise.all([pair('ecdsa', 256), pair('rsa', 3072)]);
  const key = (name: HostKey['name'], secret: string, shown: string): HostKey => {
    const publicKey = shown.trim();
    return { name, type: publicKey.split(' ')[0] ?? '', privateKey: secret, publicKey };
  };
  return [
    key('ed25519', privateKey, publicKey),
    key('ecdsa', ecdsa.private, ecdsa.public),
    key('rsa', rsa.private, rsa.public),
  ];
}

/** A host key as known_hosts has it, `ssh-ed25519 AAAA…`, from the blob that came over the wire (RFC 4253 §6.6). */
export function formatHostKey(blob: Buffer): string {
  const length = blob.length >= 4 ? blob.readUInt32BE(0) : 0;
  const type = length <= 64 ? blob.subarray(4, 4 + length).toString('latin1') : '';
  return `${/^[\w@.-]+$/.test(type) ? type : 'unknown'} ${blob.toString('base64')}`;
}

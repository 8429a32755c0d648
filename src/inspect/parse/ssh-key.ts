// Reads: a line of a public key file or of authorized_keys (sshd(8), AUTHORIZED_KEYS FILE FORMAT).
import { createHash } from 'node:crypto';

export interface PublicKey {
  type: string;
  /** SHA256:… as ssh-keygen(1) shows it. */
  fingerprint: string;
  comment: string;
  options?: string;
}

const TYPE = /^(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[\w@.-]+$/;
const DATA = /^[A-Za-z0-9+/]{16,16384}={0,2}$/;

/** Undefined for what is no key. */
export function parseKeyLine(line: string): PublicKey | undefined {
  const words = line.slice(0, 20_000).split(/\s+/);
  const at = words.findIndex((word, i) => TYPE.test(word) && DATA.test(words[i + 1] ?? ''));
  const [type, data] = words.slice(at, at + 2);
  if (at < 0 || type === undefined || data === undefined) return undefined;
  const digest = createHash('sha256').update(Buffer.from(data, 'base64')).digest('base64').replace(/=+$/, '');
  const options = words.slice(0, at).join(' ');
  const comment = words.slice(at + 2).join(' ');
  return { type, fingerprint: `SHA256:${digest}`, comment, ...(options === '' ? {} : { options }) };
}

import { GvmError } from '../../../errors/index.ts';
import type { Diagnostic } from '../../trouble.ts';

/** How a passphrase becomes a key. */
export type Kdf =
  | { type: 'pbkdf2'; hash: string; iterations: number; salt: Buffer }
  | { type: 'argon2i' | 'argon2id'; time: number; memoryKiB: number; lanes: number; salt: Buffer };

/** One way in: the volume key, split and encrypted with a key that comes from a passphrase. */
export interface KeySlot {
  number: string;
  kdf: Kdf;
  /** Bytes of the volume key. */
  keySize: number;
  stripes: number;
  /** The hash that spreads the stripes. */
  hash: string;
  area: { offset: number; size: number; keySize: number; encryption: string };
}

/** Tells whether a volume key is right. */
export interface KeyDigest {
  slots: string[];
  kdf: Extract<Kdf, { type: 'pbkdf2' }>;
  digest: Buffer;
}

/** What the header of an encrypted volume says, of either version. Sizes and places are bytes. */
export interface LuksHead {
  version: 1 | 2;
  uuid: string;
  label: string | undefined;
  slots: KeySlot[];
  digests: KeyDigest[];
  data: {
    offset: number;
    /** Undefined: to the end of the volume. */
    size: number | undefined;
    encryption: string;
    sectorSize: number;
    /** Added to the number of each sector (of 512 bytes) in its initial vector. */
    ivTweak: number;
  };
  /** Why its data is not read, whatever the key: a feature by its name. */
  refused: string | undefined;
  diagnostics: Diagnostic[];
}

/** The error for what nobody has given a key for. */
export function locked(name: string, { version }: LuksHead, tried: number): GvmError {
  const what =
    tried === 0 ? 'is locked' : `is not opened by ${tried === 1 ? 'the key' : `any of the ${tried} keys`} given`;
  return new GvmError({
    code: 'locked',
    message: `volume ${name} is encrypted (LUKS${version}) and ${what}`,
    hint: 'give the file that holds its passphrase or key: --key-file FILE (- or /dev/fd/N for an open descriptor)',
    details: { volume: name },
  });
}

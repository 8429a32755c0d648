// Makes keys out of passphrases: pbkdf2 by node, argon2i and argon2id (version 1.3) by WebAssembly in a thread of its own.
// Specification: RFC 8018 and RFC 9106.
import { pbkdf2 } from 'node:crypto';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { unsupported } from '../../trouble.ts';
import type { Kdf } from './head.ts';

/** What a header may ask for; more is refused, for a header is anybody's word. */
export interface DeriveLimits {
  iterations: number;
  /** KiB. */
  memory: number;
  /** KiB times passes over them. */
  work: number;
}

/** cryptsetup asks for at most 1 GiB, and for as many passes as take two seconds. */
export const deriveLimits: DeriveLimits = { iterations: 2 ** 26, memory: 2 ** 20, work: 2 ** 24 };

export const HASHES = ['sha1', 'sha224', 'sha256', 'sha384', 'sha512'];

const derivePbkdf2 = promisify(pbkdf2);

/** @throws GvmError `unsupported` for a hash that is not known, or for more than the limits; the signal's reason */
export async function deriveKey(
  kdf: Kdf,
  passphrase: Buffer,
  length: number,
  limits: DeriveLimits,
  signal?: AbortSignal,
): Promise<Buffer> {
  signal?.throwIfAborted();
  if (kdf.type === 'pbkdf2') {
    checkHash(kdf.hash);
    if (kdf.iterations === 0 || kdf.iterations > limits.iterations) {
      throw unsupported('LUKS volume', `pbkdf2 with ${kdf.iterations} rounds (at most ${limits.iterations})`);
    }
    return derivePbkdf2(passphrase, kdf.salt, kdf.iterations, length, kdf.hash);
  }
  const { type, time, memoryKiB, lanes, salt } = kdf;
  const asked = `${type} with ${memoryKiB} KiB, ${time} passes and ${lanes} lanes`;
  if (time === 0 || lanes === 0 || lanes > 64 || memoryKiB < 8 * lanes || salt.length < 8) {
    throw unsupported('LUKS volume', asked);
  }
  if (memoryKiB > limits.memory || memoryKiB * time > limits.work) {
    throw unsupported('LUKS volume', `${asked} (at most ${limits.memory} KiB, and ${limits.work} KiB times passes)`);
  }
  return deriveArgon2(
    type,
    { password: passphrase, salt, iterations: time, memorySize: memoryKiB, parallelism: lanes, hashLength: length },
    signal,
  );
}

/** @throws GvmError `unsupported` */
export function checkHash(hash: string): void {
  if (HASHES.includes(hash)) return;
  throw unsupported('LUKS volume', `the hash ${/^[\w-]{1,32}$/.test(hash) ? hash : 'without a name'}`);
}

const SCRIPT = `
const { parentPort, workerData } = require('node:worker_threads');
const { module, type, options } = workerData;
require(module)[type]({ ...options, outputType: 'binary' }).then((key) => parentPort.postMessage(key));
`;

/** It takes seconds and up to 1 GiB: a thread can be ended, and gives all of it back. */
async function deriveArgon2(type: string, options: object, signal?: AbortSignal): Promise<Buffer> {
  const module = createRequire(import.meta.url).resolve('hash-wasm');
  const worker = new Worker(SCRIPT, { eval: true, workerData: { module, type, options } });
  const stop = () => void worker.terminate();
  signal?.addEventListener('abort', stop);
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      worker.on('message', (key: Uint8Array) => resolve(Buffer.from(key)));
      worker.on('error', reject);
      worker.on('exit', () => reject(signal?.reason ?? new Error('the thread that derives a key ended')));
    });
  } finally {
    signal?.removeEventListener('abort', stop);
    await worker.terminate();
  }
}

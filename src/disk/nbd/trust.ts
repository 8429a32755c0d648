import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { GvmError } from '../../errors/index.ts';
import type { NbdAddress } from './address.ts';

/**
 * Whom a TLS connection to an address trusts, and who it says that it is: the files of its `tls-certificates`, as the tools
 * of GnuTLS name them. Without that the authorities of the system.
 * @throws GvmError `file-missing`
 */
export function trustOf({
  certificates,
  hostname,
}: NbdAddress): Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'servername'> {
  const name = hostname === undefined ? {} : { servername: hostname };
  if (certificates === undefined) return name;
  const own = existsSync(join(certificates, 'client-cert.pem'));
  return {
    ...name,
    ca: pem(certificates, 'ca-cert.pem'),
    ...(own ? { cert: pem(certificates, 'client-cert.pem'), key: pem(certificates, 'client-key.pem') } : {}),
  };
}

function pem(folder: string, file: string): Buffer {
  try {
    return readFileSync(join(folder, file));
  } catch (cause) {
    const message = `tls-certificates: ${join(folder, file)} cannot be read`;
    throw new GvmError({ code: 'file-missing', message, details: { folder, file }, cause });
  }
}

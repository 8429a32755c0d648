// The numbers of the NBD protocol. Specification: NetworkBlockDevice/nbd, doc/proto.md, and its extended headers.
import { GvmError } from '../../errors/index.ts';

export const NBDMAGIC = 0x4e42444d41474943n;
export const IHAVEOPT = 0x49484156454f5054n;
export const OPTION_REPLY = 0x0003e889045565a9n;

export const HANDSHAKE = { fixedNewstyle: 1, noZeroes: 2 } as const;
export const OPTION = { startTls: 5, go: 7, structuredReply: 8, setMetaContext: 10, extendedHeaders: 11 } as const;
export const REPLY = { ack: 1, info: 3, metaContext: 4 } as const;
/** Error replies to options have the top bit. */
export const REPLY_ERROR = 2 ** 31;
export const OPTION_ERROR: Readonly<Record<number, string>> = {
  1: 'the option is not supported',
  2: 'the server forbids it',
  3: 'the option is malformed',
  4: 'the option is not supported on this platform',
  5: 'TLS is required first',
  6: 'there is no such export',
  7: 'the server is shutting down',
  8: 'block sizes must be negotiated',
  9: 'the answer is too big',
  10: 'extended headers are required',
};
export const TLS_REQUIRED = REPLY_ERROR + 5;
export const INFO = { export: 0, blockSize: 3 } as const;

export const TRANSMISSION = { hasFlags: 1, readOnly: 2, multiConn: 256 } as const;
export const COMMAND = { read: 0, disconnect: 2, blockStatus: 7 } as const;

export const REQUEST = 0x25609513;
export const EXTENDED_REQUEST = 0x21e41c71;
export const SIMPLE_REPLY = 0x67446698;
export const STRUCTURED_REPLY = 0x668e33ef;
export const EXTENDED_REPLY = 0x6e8a278c;

export const CHUNK = {
  none: 0,
  data: 1,
  hole: 2,
  status: 5,
  statusExtended: 6,
  error: 0x8001,
  errorOffset: 0x8002,
} as const;
export const CHUNK_DONE = 1;
export const CHUNK_IS_ERROR = 0x8000;

const ERRNO: Readonly<Record<number, string>> = {
  1: 'EPERM',
  5: 'EIO',
  12: 'ENOMEM',
  22: 'EINVAL',
  28: 'ENOSPC',
  75: 'EOVERFLOW',
  95: 'ENOTSUP',
  108: 'ESHUTDOWN',
};

/** The name of an error number of the protocol. */
export function errnoName(errno: number): string {
  return ERRNO[errno] ?? `error ${errno}`;
}

/** The error for a server that refuses, breaks the protocol or goes away. */
export function nbdFailure(
  server: string,
  what: string,
  details: Record<string, unknown> = {},
  cause?: unknown,
): GvmError {
  return new GvmError({
    code: 'nbd-failed',
    message: `NBD server ${server}: ${what}`,
    details: { server, ...details },
    cause,
  });
}

import { GvmError } from '../../errors/index.ts';

/** Where an NBD server listens, and which of its exports is meant. */
export interface NbdAddress {
  socket: { path: string } | { host: string; port: number };
  export: string;
  /** Refuse a server without TLS. */
  tls: boolean;
  /** The folder of the certificates, and the name that the server's must have. */
  certificates?: string;
  hostname?: string;
}

const DEFAULT_PORT = 10809;

/**
 * An NBD URI: `nbd://HOST[:PORT]/EXPORT`, `nbds://…`, `nbd+unix:///EXPORT?socket=PATH`, `nbds+unix://…`.
 * With `tls-certificates=DIR` and `tls-hostname=NAME` behind it, where they are needed.
 * Specification: NetworkBlockDevice/nbd, doc/uri.md.
 * @throws GvmError `usage`
 */
export function parseNbdUri(text: string): NbdAddress {
  const bad = (why: string) => new GvmError({ code: 'usage', message: `${text} is no NBD address: ${why}` });
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new GvmError({ code: 'usage', message: `${text} is no NBD address`, cause });
  }
  const scheme = /^nbd(s?)(\+unix)?:$/.exec(url.protocol);
  if (!scheme) throw bad('it begins with nbd://, nbds://, nbd+unix:// or nbds+unix://');
  const tls = scheme[1] === 's';
  const name = decodeURIComponent(url.pathname.replace(/^\//, ''));
  const [certificates, hostname] = [url.searchParams.get('tls-certificates'), url.searchParams.get('tls-hostname')];
  const common = { export: name, tls, ...(certificates ? { certificates } : {}), ...(hostname ? { hostname } : {}) };
  if (scheme[2]) {
    const path = url.searchParams.get('socket');
    if (!path) throw bad('?socket=PATH is missing');
    return { socket: { path }, ...common };
  }
  if (url.hostname === '') throw bad('the host is missing');
  const port = url.port === '' ? DEFAULT_PORT : Number(url.port);
  return { socket: { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port }, ...common };
}

/** Whether a word is an NBD address and no file. */
export function isNbdUri(text: string): boolean {
  return /^nbds?(\+unix)?:\/\//.test(text);
}

/** An address for messages. */
export function showAddress({ socket, export: name }: NbdAddress): string {
  const place = 'path' in socket ? socket.path : `${socket.host}:${socket.port}`;
  return name === '' ? place : `${place} (export ${name})`;
}

import { GvmError } from '../../errors/index.ts';

/** Where an NBD server listens, and which of its exports is meant. */
export interface NbdAddress {
  socket: { path: string } | { host: string; port: number };
  export: string;
  /** Refuse a server without TLS. */
  tls: boolean;
}

const DEFAULT_PORT = 10809;

/**
 * An NBD URI: `nbd://HOST[:PORT]/EXPORT`, `nbds://…`, `nbd+unix:///EXPORT?socket=PATH`, `nbds+unix://…`.
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
  if (scheme[2]) {
    const path = url.searchParams.get('socket');
    if (!path) throw bad('?socket=PATH is missing');
    return { socket: { path }, export: name, tls };
  }
  if (url.hostname === '') throw bad('the host is missing');
  const port = url.port === '' ? DEFAULT_PORT : Number(url.port);
  return { socket: { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port }, export: name, tls };
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

// Writes tar archives. Specification: POSIX.1-1988 ustar.
// Not written: paths over 255 bytes, devices, files of 8 GiB and more.
import { GvmError } from '../../errors/index.ts';

export type TarMember =
  | { path: string; kind: 'file'; mode: number; bytes: Uint8Array }
  | { path: string; kind: 'folder'; mode: number }
  | { path: string; kind: 'link'; target: string };

/** The archive as pieces, in the order given, owned by root, with one time for all. @throws GvmError `image-build` */
export function writeTar(members: readonly TarMember[], mtime: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (const member of members) {
    const bytes = member.kind === 'file' ? member.bytes : new Uint8Array(0);
    pieces.push(header(member, bytes.length, mtime), bytes);
    pieces.push(new Uint8Array((512 - (bytes.length % 512)) % 512));
  }
  pieces.push(new Uint8Array(1024));
  return pieces;
}

const FLAG = { file: '0', folder: '5', link: '2' } as const;

function header(member: TarMember, size: number, mtime: number): Uint8Array {
  const block = Buffer.alloc(512);
  const [prefix, name] = split(member.path);
  const octal = (value: number, at: number, length: number) =>
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
  block.write(name, 0, 100, 'utf8');
  octal(member.kind === 'link' ? 0o777 : member.mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(mtime, 136, 12);
  block.write('        ', 148, 'latin1');
  block.write(FLAG[member.kind], 156, 'latin1');
  if (member.kind === 'link') block.write(member.target, 157, 100, 'utf8');
  block.write('ustar\x0000', 257, 'latin1');
  block.write('root', 265, 'latin1');
  block.write('root', 297, 'latin1');
  block.write(prefix, 345, 155, 'utf8');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function split(path: string): [string, string] {
  if (Buffer.byteLength(path) <= 100) return ['', path];
  for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(name) <= 100 && name) return [prefix, name];
  }
  throw new GvmError({ code: 'image-build', message: `the path is too long for a tar archive: ${path}` });
}

import pc from 'picocolors';
import { showBytes } from '../../core/index.ts';
import type { Located, NodeType, Timestamp } from '../../disk/index.ts';

/** One file as `--json` prints it. Paths are text in which `\xNN` stands for a byte that is no printable UTF-8. */
export interface Entry {
  path: string;
  type: NodeType;
  /** Four octal digits. */
  mode: string;
  uid: number;
  gid: number;
  size: number;
  nlink: number;
  mtime: string;
  /** Of a symbolic link. */
  target?: string;
  /** `MAJOR:MINOR` of a device. */
  device?: string;
}

export async function entryOf({ path, node }: Located, signal?: AbortSignal): Promise<Entry> {
  const { type, mode, uid, gid, size, nlink, mtime, device } = node.stat;
  return {
    path: showBytes(path),
    type,
    mode: octal(mode),
    uid,
    gid,
    size,
    nlink,
    mtime: isoTime(mtime),
    ...(type === 'symlink' ? { target: showBytes(await node.readlink(signal)) } : {}),
    ...(device ? { device: `${device.major}:${device.minor}` } : {}),
  };
}

export function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

/** RFC 3339 with nanoseconds, where they are not zero; beyond what a date can be, seconds since 1970. */
export function isoTime({ seconds, nanoseconds }: Timestamp): string {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return `@${seconds}`;
  const fraction = nanoseconds === 0 ? '' : `.${String(nanoseconds).padStart(9, '0')}`;
  return date.toISOString().replace(/\.\d+Z$/, `${fraction}Z`);
}

const LETTERS: Record<NodeType, string> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  block: 'b',
  character: 'c',
  fifo: 'p',
  socket: 's',
  unknown: '?',
};

/** Type and permissions as ls(1) shows them: `drwxr-xr-x`. */
export function modeText(type: NodeType, mode: string): string {
  const bits = Number.parseInt(mode, 8);
  const special = ['s', 's', 't'];
  const triads = [6, 3, 0].map((shift, i) => {
    const rwx = (bits >>> shift) & 7;
    const set = (bits >>> (11 - i)) & 1;
    const letter = set ? (rwx & 1 ? special[i] : special[i]?.toUpperCase()) : rwx & 1 ? 'x' : '-';
    return `${rwx & 4 ? 'r' : '-'}${rwx & 2 ? 'w' : '-'}${letter}`;
  });
  return `${LETTERS[type]}${triads.join('')}`;
}

/** A name in the colour of its type. */
export function colored(text: string, entry: Pick<Entry, 'type' | 'mode'>, color: boolean): string {
  const colors = pc.createColors(color);
  if (entry.type === 'directory') return colors.bold(colors.blue(text));
  if (entry.type === 'symlink') return colors.cyan(text);
  if (entry.type !== 'file') return colors.yellow(text);
  return (Number.parseInt(entry.mode, 8) & 0o111) !== 0 ? colors.green(text) : text;
}

/** One line of a long listing. */
export function longLine(entry: Entry, name: string, color: boolean): string {
  const size = entry.device ?? String(entry.size);
  const arrow = entry.target === undefined ? '' : ` -> ${entry.target}`;
  const owner = `${String(entry.uid).padStart(5)} ${String(entry.gid).padStart(5)}`;
  const time = entry.mtime.slice(0, 16).replace('T', ' ');
  const head = `${modeText(entry.type, entry.mode)} ${String(entry.nlink).padStart(3)} ${owner} ${size.padStart(11)} ${time}`;
  return `${head} ${colored(name, entry, color)}${arrow}`;
}

/** The last part of a shown path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1) || '/';
}

import type { BlockSource } from '../source/source.ts';
import type { Diagnostic } from '../trouble.ts';

export type NodeType = 'file' | 'directory' | 'symlink' | 'block' | 'character' | 'fifo' | 'socket' | 'unknown';

/** A time since 1970; both parts count forward, so half a second before 1970 is -1 and 500,000,000. */
export interface Timestamp {
  seconds: number;
  nanoseconds: number;
}

/** What is known of a file without its content. A file system that records no such thing leaves a time out. */
export interface NodeStat {
  /** Unique within its file system. */
  ino: number;
  type: NodeType;
  /** Permissions with setuid, setgid and sticky bit: 12 bits. */
  mode: number;
  uid: number;
  gid: number;
  nlink: number;
  /** Bytes of the content; of a symbolic link, of its target. */
  size: number;
  /** Bytes that the content takes on the disk. */
  allocated: number;
  mtime: Timestamp;
  atime: Timestamp | undefined;
  ctime: Timestamp | undefined;
  /** When it was made. */
  btime: Timestamp | undefined;
  /** Of a device node. */
  device: { major: number; minor: number } | undefined;
}

/** A run of a file's content. */
export interface FileExtent {
  /** Bytes from the beginning of the file. */
  offset: number;
  length: number;
  /** `hole` and `unwritten` read as zeros; `inline` and `packed` have no place of their own on the disk. */
  kind: 'data' | 'hole' | 'unwritten' | 'inline' | 'packed';
  /** Bytes from the beginning of the file system's source. */
  disk: number | undefined;
}

export interface Xattr {
  /** With its prefix, for example `security.capability`. */
  name: Buffer;
  /** As getxattr(2) gives it. */
  value: Buffer;
}

/** One file of a file system. Methods that do not fit its type throw `usage`. */
export interface FsNode {
  readonly stat: NodeStat;
  /** The entries of a directory without `.` and `..`, in the order of the disk. @throws GvmError `corrupt`, `unsupported` */
  entries(signal?: AbortSignal): AsyncIterable<FsEntry>;
  /** The entry of a directory by its exact name. */
  lookup(name: Buffer, signal?: AbortSignal): Promise<FsNode | undefined>;
  /** The target of a symbolic link, as it is written. */
  readlink(signal?: AbortSignal): Promise<Buffer>;
  xattrs(signal?: AbortSignal): Promise<Xattr[]>;
  /** Bytes of a regular file, fewer than `length` only where it ends. */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer>;
  /** Where the content lies, in order and without gaps from 0 to the size. */
  extents(signal?: AbortSignal): AsyncIterable<FileExtent>;
}

export interface FsEntry {
  /** Bytes, without NUL and `/`. */
  readonly name: Buffer;
  readonly ino: number;
  /** Where the directory says it. */
  readonly type: NodeType | undefined;
  node(signal?: AbortSignal): Promise<FsNode>;
}

/** Bytes and files, as statfs(2) counts them. */
export interface Usage {
  total: number;
  free: number;
  /** Free for users without privileges. */
  available: number;
  files: number | undefined;
  freeFiles: number | undefined;
}

export interface FileSystem {
  /** For example `ext4`. */
  readonly type: string;
  /** Any bytes, decoded as UTF-8. */
  readonly label: string | undefined;
  /** As blkid(8) writes it. */
  readonly uuid: string | undefined;
  readonly blockSize: number;
  /** Names of features, as the tools of the file system write them. */
  readonly features: readonly string[];
  /** What was odd when it was opened. */
  readonly diagnostics: readonly Diagnostic[];
  root(signal?: AbortSignal): Promise<FsNode>;
  usage(signal?: AbortSignal): Promise<Usage>;
  /** Names of other trees of files that it holds beside its {@link root} (Btrfs), as {@link subvolume} takes them. */
  subvolumes?(signal?: AbortSignal): Promise<string[]>;
  /** The same file system with another tree as its root: by a path from the top, or `id=N`; undefined where there is none. */
  subvolume?(name: string, signal?: AbortSignal): Promise<FileSystem | undefined>;
}

/** One kind of file system: how it is recognised and opened. */
export interface FileSystemKind {
  name: string;
  /** Whether the source carries its mark. Reads little and never throws `corrupt`. */
  probe(source: BlockSource, signal?: AbortSignal): Promise<boolean>;
  /** @throws GvmError `corrupt`, `unsupported` */
  open(source: BlockSource, signal?: AbortSignal): Promise<FileSystem>;
}

const TYPES: Record<number, NodeType> = {
  1: 'fifo',
  2: 'character',
  4: 'directory',
  6: 'block',
  8: 'file',
  10: 'symlink',
  12: 'socket',
};

/** The type in the upper bits of a mode (inode(7)). */
export function typeOfMode(mode: number): NodeType {
  return TYPES[(mode >>> 12) & 0xf] ?? 'unknown';
}

/** A device number of Linux in its 32-bit form (makedev(3), as file systems store it). */
export function deviceOf(number: number): { major: number; minor: number } {
  return { major: (number & 0xfff00) >>> 8, minor: (number & 0xff) | ((number >>> 12) & 0xfff00) };
}

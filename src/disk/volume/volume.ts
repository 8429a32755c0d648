import type { GvmError } from '../../errors/index.ts';
import type { FileSystem } from '../fs/file-system.ts';
import type { Partition } from '../partition/table.ts';
import type { BlockSource } from '../source/source.ts';
import type { Diagnostic } from '../trouble.ts';

/** A part of a disk, or what a volume manager makes of parts, that can hold a file system. */
export interface Volume {
  /** `disk` for the whole, `p1` for a partition, `md0`, `vg/lv`, `luks:p2`. */
  name: string;
  partition: Partition | undefined;
  /** Bytes from the beginning of the disk; undefined for what lies on other volumes. */
  start: number | undefined;
  size: number;
  source: BlockSource;
  /** The volumes that it lies on, by name; none for a place on the disk. */
  on: readonly string[];
  /** How it lies on them, for people: `LVM2 striped`. */
  how: string | undefined;
  fs: FileSystem | undefined;
  /** What it holds: the type of its file system, or the name of something else. */
  content: string | undefined;
  /** Of its file system, or of the volume manager that it is a member of. */
  uuid: string | undefined;
  label: string | undefined;
  /** Why nothing of it is read. */
  reason: GvmError | undefined;
  /** What is odd about it, or why it is not read. */
  diagnostics: Diagnostic[];
}

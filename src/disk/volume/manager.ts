import type { GvmError } from '../../errors/index.ts';
import type { FileSystem } from '../fs/file-system.ts';
import type { BlockSource } from '../source/source.ts';
import type { Diagnostic } from '../trouble.ts';

/** A volume that carries the mark of a volume manager. */
export interface Member<Head> {
  /** As `--volume` says it. */
  name: string;
  source: BlockSource;
  /** What the manager read of its own there. */
  head: Head;
}

/** A volume that a manager makes out of members. */
export interface Made {
  /** As `--volume` says it: `vg/lv`, `md0`, `luks:p2`. */
  name: string;
  /** How it lies on its members, for people: `LVM2 striped`. */
  how: string;
  /** Names of the volumes that hold it. */
  on: string[];
  /** Its bytes, or why there are none. */
  source: BlockSource | GvmError;
  /** Bytes, where they are not those of the source. */
  size?: number;
  /** Its file system, where that itself lies on several volumes. */
  fs?: FileSystem;
  diagnostics: Diagnostic[];
}

/** What is to be said of a member, by its name. */
export interface MemberNote {
  name: string;
  /** What it holds. */
  content?: string;
  /** Why nothing was made of it. */
  reason?: GvmError;
  diagnostics?: Diagnostic[];
}

export interface Assembly {
  made: Made[];
  notes: MemberNote[];
}

export interface AssembleOptions {
  /** What may open what is encrypted. */
  keys: readonly Buffer[];
  signal?: AbortSignal | undefined;
}

/** One kind of volume manager: how its members are recognised, and what they make together. */
export interface VolumeManager<Head = unknown> {
  name: string;
  /**
   * What a source carries as a member; undefined without the mark.
   * @throws GvmError `corrupt`, `unsupported` for a mark behind which nothing can be used
   */
  probe(source: BlockSource, signal?: AbortSignal): Promise<Head | undefined>;
  /** Where the mark stands, in bytes. */
  place(head: Head): number;
  /** What a member is, from its own head: for people, and its UUID as blkid(8) writes it. */
  describe(head: Head): { content: string; uuid: string; label?: string | undefined };
  /** Makes what can be made; trouble stays with the volume that it concerns. */
  assemble(members: readonly Member<Head>[], options: AssembleOptions): Promise<Assembly>;
}

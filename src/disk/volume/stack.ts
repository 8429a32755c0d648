import { GvmError, isGvmError } from '../../errors/index.ts';
import { contentOfSource } from '../content.ts';
import type { FileSystem, FileSystemKind } from '../fs/file-system.ts';
import { openFileSystem } from '../fs/registry.ts';
import { readPartitionTable } from '../partition/table.ts';
import { SliceSource } from '../source/slice.ts';
import { ZeroSource } from '../source/zero.ts';
import { asDiagnostic, corrupt } from '../trouble.ts';
import type { Made, Member, VolumeManager } from './manager.ts';
import type { Volume } from './volume.ts';

const DEEPEST = 8;
const MOST_VOLUMES = 4096;
const EMPTY = { fs: undefined, content: undefined, uuid: undefined, label: undefined, reason: undefined };

export interface StackOptions {
  kinds: readonly FileSystemKind[];
  managers: readonly VolumeManager[];
  keys: readonly Buffer[];
  signal?: AbortSignal | undefined;
}

/** A place on the disk that may hold anything. */
export type Ground = Pick<Volume, 'name' | 'partition' | 'start' | 'size' | 'source'>;

/**
 * Finds what volumes hold and what they make together, in any nesting: arrays, encryption, groups, partitions within. Trouble
 * with one volume stays with it.
 */
export class Stack {
  readonly volumes: Volume[] = [];
  readonly #options: StackOptions;
  readonly #members: Map<VolumeManager, Member<unknown>[]>;
  readonly #depths = new Map<string, number>();

  constructor(options: StackOptions) {
    this.#options = options;
    this.#members = new Map(options.managers.map((manager) => [manager, []]));
  }

  /** Looks at a place of the disk. */
  async add(ground: Ground): Promise<Volume> {
    return this.#look({ ...ground, ...EMPTY, on: [], how: undefined, diagnostics: [] });
  }

  /** Makes all that the volumes make together, and what those make. */
  async assemble(): Promise<void> {
    const { managers, keys, signal } = this.#options;
    for (;;) {
      const manager = managers.find((one) => (this.#members.get(one)?.length ?? 0) > 0);
      if (!manager) return;
      const members = this.#members.get(manager) ?? [];
      this.#members.set(manager, []);
      const { made, notes } = await manager.assemble(members, { keys, signal });
      for (const { name, content, reason, diagnostics = [] } of notes) {
        const volume = this.volumes.find((one) => one.name === name);
        if (!volume) continue;
        volume.diagnostics.push(...diagnostics);
        if (content !== undefined) volume.content = content;
        if (reason) refuse(volume, reason);
      }
      for (const one of made) await this.#lay(one);
    }
  }

  async #lay({ name, how, on, source, size, fs, diagnostics }: Made): Promise<void> {
    const depth = 1 + Math.max(0, ...on.map((one) => this.#depths.get(one) ?? 0));
    const twice = this.volumes.some((volume) => volume.name === name);
    // Two volumes of one name can come from a disk and its copy.
    let free = name;
    for (let number = 2; this.volumes.some((volume) => volume.name === free); number++) free = `${name}@${number}`;
    this.#depths.set(free, depth);
    const ready = isGvmError(source) ? undefined : source;
    const volume: Volume = {
      ...{
        name: free,
        partition: undefined,
        start: undefined,
        size: size ?? ready?.size ?? 0,
        source: ready ?? new ZeroSource(0),
      },
      ...{ ...EMPTY, on, how, diagnostics: [...diagnostics] },
    };
    if (twice)
      volume.diagnostics.push({ structure: 'disk', offset: undefined, message: `there are two volumes ${name}` });
    if (isGvmError(source)) refuse(volume, source);
    else if (depth > DEEPEST)
      refuse(volume, corrupt('volumes', 0, `they lie on one another more than ${DEEPEST} deep`));
    if (volume.reason) this.#keep(volume);
    else if (fs) {
      this.#keep(volume);
      holds(volume, fs);
    } else await this.#look(volume);
  }

  #keep(volume: Volume): void {
    if (this.volumes.length >= MOST_VOLUMES) throw corrupt('volumes', 0, `there are more than ${MOST_VOLUMES}`);
    this.volumes.push(volume);
  }

  async #look(volume: Volume): Promise<Volume> {
    const { kinds, managers, signal } = this.#options;
    this.#keep(volume);
    const { name, source } = volume;
    try {
      for (const manager of managers) {
        const head = await manager.probe(source, signal);
        if (head === undefined) continue;
        Object.assign(volume, manager.describe(head));
        this.#members.get(manager)?.push({ name, source, head });
        return volume;
      }
      const fs = await openFileSystem(source, kinds, signal);
      if (fs) holds(volume, fs);
    } catch (error) {
      if (!isGvmError(error)) throw error;
      refuse(volume, error);
      volume.content = 'damaged';
      return volume;
    }
    volume.content ??= await contentOfSource(source, signal);
    if (volume.content === undefined && volume.start === undefined) await this.#partitions(volume);
    return volume;
  }

  /** A table within a volume, as arrays of whole disks have. */
  async #partitions(volume: Volume): Promise<void> {
    const { signal } = this.#options;
    const { name, source } = volume;
    try {
      const table = await readPartitionTable(source, 512, signal);
      if (!table) return;
      volume.content = `${table.label} partitions`;
      volume.diagnostics.push(...table.diagnostics);
      for (const partition of table.partitions) {
        const size = Math.min(partition.size, source.size - partition.start);
        if (partition.role === 'extended' || size <= 0) continue;
        const slice = new SliceSource(source, partition.start, size);
        await this.#lay({
          name: `${name}p${partition.number}`,
          how: 'partition',
          on: [name],
          source: slice,
          diagnostics: [],
        });
      }
    } catch (error) {
      refuse(volume, error);
    }
  }

  /** Where the mark of a volume manager stands on the disk; undefined for what carries none. */
  markOf({ name, start }: Volume): number | undefined {
    for (const [manager, members] of this.#members) {
      const member = members.find((one) => one.name === name);
      if (member && start !== undefined) return start + manager.place(member.head);
    }
    return undefined;
  }

  /** Forgets a volume that turned out to be another one. */
  drop(volume: Volume): void {
    this.volumes.splice(this.volumes.indexOf(volume), 1);
    for (const [manager, members] of this.#members) {
      this.#members.set(
        manager,
        members.filter(({ name }) => name !== volume.name),
      );
    }
  }
}

function holds(volume: Volume, fs: FileSystem): void {
  const { type, uuid, label, diagnostics } = fs;
  Object.assign(volume, { fs, content: type, uuid, label });
  volume.diagnostics.push(...diagnostics);
}

/** Notes why nothing of a volume is read. What is only locked is nothing odd. */
function refuse(volume: Volume, error: unknown): void {
  if (!(error instanceof GvmError)) throw error;
  volume.reason = error;
  if (error.code !== 'locked') volume.diagnostics.push(asDiagnostic(error));
}

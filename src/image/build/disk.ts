import { truncate, writeFile } from 'node:fs/promises';
import { findTool, run } from '../../process/index.ts';
import type { Recipe } from '../../schema/index.ts';

export const MIB = 2 ** 20;

const TYPE_GUIDS = {
  esp: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
  linux: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
  'linux-root-x86-64': '4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709',
} as const;

export interface PlacedPartition {
  start: number;
  size: number;
}

/** Where the partitions of a recipe lie, in bytes: one after the other from 1 MiB, the end left to the second GPT. */
export function placePartitions(disk: Recipe['disk']): PlacedPartition[] {
  let start = MIB;
  return disk.partitions.map((partition) => {
    const size = partition.size ?? disk.size - start - MIB;
    const placed = { start, size };
    start += Math.ceil(size / MIB) * MIB;
    return placed;
  });
}

/** The partition table as sfdisk(8) reads it. */
export function partitionScript(disk: Recipe['disk']): string {
  const placed = placePartitions(disk);
  const lines = disk.partitions.map((partition, index) => {
    const { start, size } = placed[index] ?? { start: 0, size: 0 };
    return `start=${start / 512}, size=${size / 512}, type=${TYPE_GUIDS[partition.type]}, uuid=${partition.guid.toUpperCase()}, name="${partition.label}"`;
  });
  return ['label: gpt', `label-id: ${disk.guid.toUpperCase()}`, 'unit: sectors', '', ...lines, ''].join('\n');
}

/** Joins file systems into a partitioned disk, as qcow2 at `target`. `raw` is where it lies on the way. */
export async function makeDisk(
  disk: Recipe['disk'],
  partitions: readonly string[],
  { raw, target, signal }: { raw: string; target: string; signal?: AbortSignal | undefined },
): Promise<void> {
  await writeFile(raw, '');
  await truncate(raw, disk.size);
  const options = { timeout: 600_000, ...(signal ? { signal } : {}) };
  await run(findTool('sfdisk') ?? 'sfdisk', ['--quiet', '--no-reread', '--no-tell-kernel', raw], {
    ...options,
    input: partitionScript(disk),
  });
  for (const [index, { start, size: bytes }] of placePartitions(disk).entries()) {
    const part = partitions[index];
    if (!part) continue;
    // It reads only where a file has data, which dd does not know.
    const place = `driver=raw,offset=${start},size=${bytes},file.driver=file,file.filename=${raw.replaceAll(',', ',,')}`;
    await run(
      'qemu-img',
      ['convert', '-n', '--target-is-zero', '-f', 'raw', '--target-image-opts', part, place],
      options,
    );
  }
  await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, target], options);
}

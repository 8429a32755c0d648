import { open, truncate, writeFile } from 'node:fs/promises';
import { findTool, run } from '../../process/index.ts';
import type { Recipe } from '../../schema/index.ts';
import type { EmbeddedGrub } from './grub-bios.ts';

export const MIB = 2 ** 20;

const TYPE_GUIDS = {
  esp: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
  linux: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
  'linux-root-x86-64': '4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709',
  'bios-boot': '21686148-6449-6E6F-744E-656564454649',
} as const;

/** The BIOS boot partition fills what the first partition leaves before it, from the first whole 4 KiB after the table. */
export const BIOS_BOOT = { sector: 40, sectors: MIB / 512 - 40 };

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
  const line = (start: number, sectors: number, type: keyof typeof TYPE_GUIDS, guid: string, label: string) =>
    `start=${start}, size=${sectors}, type=${TYPE_GUIDS[type]}, uuid=${guid.toUpperCase()}, name="${label}"`;
  const lines = disk.partitions.map(({ type, guid, label }, index) => {
    const { start, size } = placed[index] ?? { start: 0, size: 0 };
    return line(start / 512, size / 512, type, guid, label);
  });
  const head = ['label: gpt', `label-id: ${disk.guid.toUpperCase()}`, 'unit: sectors'];
  if (disk.biosBoot) {
    head.push('first-lba: 34');
    lines.push(line(BIOS_BOOT.sector, BIOS_BOOT.sectors, 'bios-boot', disk.biosBoot, 'BIOS boot'));
  }
  return [...head, '', ...lines, ''].join('\n');
}

/** Joins file systems into a partitioned disk, as qcow2 at `target`, with GRUB for the BIOS. `raw` is where it lies on the way. */
export async function makeDisk(
  disk: Recipe['disk'],
  partitions: readonly string[],
  at: { raw: string; target: string; grub?: EmbeddedGrub | undefined; signal?: AbortSignal | undefined },
): Promise<void> {
  const { raw, target, grub, signal } = at;
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
  if (grub) await writeGrub(raw, grub);
  await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, target], options);
}

async function writeGrub(raw: string, { code, area, sector }: EmbeddedGrub): Promise<void> {
  const file = await open(raw, 'r+');
  try {
    await file.write(code, 0, code.length, 0);
    await file.write(area, 0, area.length, sector * 512);
  } finally {
    await file.close();
  }
}

import { mkdir, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findTool, run } from '../../process/index.ts';
import type { RecipePartition } from '../../schema/index.ts';

type Vfat = Extract<RecipePartition['filesystem'], { type: 'vfat' }>;

export interface FatFile {
  path: string;
  bytes: Uint8Array;
}

/** Makes a FAT file system in a file. Equal input gives equal bytes. `scratch` is a folder for the files on the way. */
export async function makeFat(
  image: string,
  fs: Vfat,
  input: { files: readonly FatFile[]; size: number; epoch: number; scratch: string },
): Promise<void> {
  await writeFile(image, '');
  await truncate(image, input.size);
  // mtools reads SOURCE_DATE_EPOCH for the times of folders; FAT has local time, so the zone is fixed.
  const env = { SOURCE_DATE_EPOCH: String(input.epoch), TZ: 'UTC', MTOOLS_SKIP_CHECK: '1' };
  const id = fs.id.replace('-', '');
  await run(findTool('mkfs.vfat') ?? 'mkfs.vfat', ['--invariant', '-F', '32', '-i', id, '-n', fs.label, image], {
    env,
  });
  const folders = new Set<string>();
  for (const file of input.files) {
    for (let at = dirname(file.path); at !== '.'; at = dirname(at)) folders.add(at);
  }
  for (const folder of [...folders].sort()) await run('mmd', ['-i', image, `::/${folder}`], { env });
  for (const [index, file] of input.files.entries()) {
    const source = join(input.scratch, `fat-${index}`);
    await mkdir(input.scratch, { recursive: true });
    await writeFile(source, file.bytes);
    await utimes(source, input.epoch, input.epoch);
    await run('mcopy', ['-m', '-i', image, source, `::/${file.path}`], { env });
  }
}

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Disk, openDisk, openTree, readLayout } from '../../src/disk/index.ts';
import { PoweredOff } from '../../src/facts/index.ts';
import { findTool } from '../../src/process/index.ts';

/** What stands at a path: text, `-> target` for a link, a name that ends in `/` for a folder. */
export type Files = Readonly<Record<string, string | Buffer>>;

export function writeTree(root: string, files: Files, modes: Readonly<Record<string, number>> = {}): void {
  for (const [path, content] of Object.entries(files)) {
    const at = join(root, path);
    mkdirSync(path.endsWith('/') ? at : dirname(at), { recursive: true });
    if (path.endsWith('/')) continue;
    if (typeof content === 'string' && content.startsWith('-> ')) symlinkSync(content.slice(3), at);
    else writeFileSync(at, content);
  }
  for (const [path, mode] of Object.entries(modes)) chmodSync(join(root, path), mode);
}

/** A raw disk that is one ext4 file system, made of a folder without privileges. */
function makeTreeDisk(root: string, image: string, mib = 16): void {
  writeFileSync(image, '');
  truncateSync(image, mib * 2 ** 20);
  const env = { ...process.env, MKE2FS_CONFIG: '/dev/null' };
  const features = 'none,extent,filetype,64bit,metadata_csum,ext_attr,dir_index,large_file';
  const options = ['-q', '-F', '-b', '1024', '-I', '256', '-O', features, '-E', 'root_owner=0:0', '-d', root];
  execFileSync(findTool('mke2fs') ?? 'mke2fs', [...options, image], { env, stdio: 'pipe' });
}

/** A powered-off disk with these files. */
export async function poweredOff(files: Files, modes?: Readonly<Record<string, number>>) {
  const folder = mkdtempSync(join(tmpdir(), 'gvm-off-'));
  const root = join(folder, 'root');
  mkdirSync(root);
  writeTree(root, files, modes);
  const image = join(folder, 'disk.raw');
  makeTreeDisk(root, image);
  const opened = await openPoweredOff(image);
  return { ...opened, root, image, remove: () => opened.close().then(() => rmSync(folder, { recursive: true })) };
}

export async function openPoweredOff(image: string, kernel?: string, allow: readonly string[] = []) {
  const disk: Disk = await openDisk(image, { allow });
  const layout = await readLayout(disk.source);
  const off = new PoweredOff(layout, await openTree(layout), { kernel });
  return { disk: off, close: async () => await disk[Symbol.asyncDispose]() };
}

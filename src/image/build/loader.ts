import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Recipe } from '../../schema/index.ts';
import type { FatFile } from './fat.ts';
import { pathOnPartition } from './parts.ts';

/** What stands on the ESP besides the tree's own files: GRUB, out of its unpacked package, and a menu of one entry. */
export async function loaderFiles(recipe: Recipe, release: string, folder: string): Promise<FatFile[]> {
  const { grub } = recipe.boot;
  if (!grub) return [];
  const menu = grub.menu ?? grub.config;
  const files = [
    { path: 'EFI/BOOT/BOOTX64.EFI', bytes: await readFile(join(folder, grub.image)) },
    { path: menu.slice(1), bytes: Buffer.from(grubMenu(recipe, release)) },
  ];
  if (menu !== grub.config) files.push({ path: grub.config.slice(1), bytes: Buffer.from(`configfile ${menu}\n`) });
  return files;
}

/** GRUB's menu. Pure. */
export function grubMenu(recipe: Recipe, release: string): string {
  const boot = pathOnPartition(recipe.disk.partitions, `/boot/vmlinuz-${release}`);
  const { filesystem } = boot.partition;
  const root = recipe.disk.partitions.find(({ mount }) => mount === '/')?.filesystem;
  const command =
    root && root.type !== 'vfat'
      ? `root=UUID=${root.uuid} rootfstype=${root.type} ${recipe.boot.append}`
      : recipe.boot.append;
  return [
    'set timeout=0',
    'serial --unit=0 --speed=115200',
    'terminal_input console serial',
    'terminal_output console serial',
    `search --no-floppy --fs-uuid --set=root ${filesystem.type === 'vfat' ? filesystem.id : filesystem.uuid}`,
    `menuentry "${recipe.name}" {`,
    `  linux ${boot.path} ${command}`,
    `  initrd ${boot.path.replace('/vmlinuz-', '/initrd.img-')}`,
    '}',
    '',
  ].join('\n');
}

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { filesOf, pathOnPartition, splitTree, type Tree } from '../../src/image/build/parts.ts';
import { loadRecipe } from '../../src/image/index.ts';

const scratch = mkdtempSync(join(tmpdir(), 'gvm-parts-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const { recipe } = await loadRecipe(new URL('../../images/gentoo-twin-systemd.yaml', import.meta.url).pathname);
const node = (kind: 'file' | 'folder') => ({ kind, mode: 0o755, uid: 0, gid: 0, mtime: 1 });

/** A tree with these files and their folders. */
function tree(...files: string[]): Tree {
  const folder = mkdtempSync(join(scratch, 't-'));
  const metadata: Tree['metadata'] = new Map([['', node('folder')]]);
  for (const file of files) {
    const parts = file.split('/');
    for (let i = 1; i < parts.length; i++) metadata.set(parts.slice(0, i).join('/'), node('folder'));
    mkdirSync(join(folder, file, '..'), { recursive: true });
    writeFileSync(join(folder, file), file);
    metadata.set(file, node('file'));
  }
  return { folder, metadata };
}

test('what lies below a mount point belongs to its partition, and the folder stays', async () => {
  const root = tree('boot/grub/grubenv', 'boot/vmlinuz-1', 'bootable', 'etc/fstab');
  const parts = await splitTree(root, recipe, join(scratch, 'parts'));
  const boot = parts.get('/boot') as Tree;
  expect(parts.get('/')).toBe(root);
  expect([...root.metadata.keys()]).toEqual(['', 'boot', 'bootable', 'etc', 'etc/fstab']);
  expect(readdirSync(join(root.folder, 'boot'))).toEqual([]);
  expect([...boot.metadata.keys()]).toEqual(['', 'grub', 'grub/grubenv', 'vmlinuz-1']);
  expect((await filesOf(boot)).map(({ path, bytes }) => [path, Buffer.from(bytes).toString()])).toEqual([
    ['grub/grubenv', 'boot/grub/grubenv'],
    ['vmlinuz-1', 'boot/vmlinuz-1'],
  ]);
});

test('a mount point that the tree does not have is an error', async () => {
  await expect(splitTree(tree('etc/fstab'), recipe, join(scratch, 'none'))).rejects.toMatchObject({
    code: 'image-build',
    message: expect.stringContaining('no folder /boot'),
  });
});

test('a path is found on the partition that holds it', () => {
  const { partitions } = recipe.disk;
  expect(pathOnPartition(partitions, '/boot/vmlinuz')).toMatchObject({
    partition: { mount: '/boot' },
    path: '/vmlinuz',
  });
  expect(pathOnPartition(partitions, '/bootable')).toMatchObject({ partition: { mount: '/' }, path: '/bootable' });
});

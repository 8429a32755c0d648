import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { sha256OfFile } from '../../src/image/build/apt.ts';
import { BIOS_BOOT, makeDisk, partitionScript } from '../../src/image/build/disk.ts';
import { makeExt4 } from '../../src/image/build/ext4.ts';
import { makeFat } from '../../src/image/build/fat.ts';
import { embedGrub } from '../../src/image/build/grub-bios.ts';
import type { NodeMetadata } from '../../src/image/build/tree.ts';
import { loadRecipe } from '../../src/image/index.ts';
import { findTool } from '../../src/process/index.ts';

const root = mkdtempSync(join(tmpdir(), 'gvm-fs-'));
afterAll(() => rmSync(root, { recursive: true }));

const epoch = 1_700_000_000;
const ext4 = {
  type: 'ext4' as const,
  label: 'tiny',
  uuid: '0a6c4c1e-8d5f-4c53-9c1f-6f5e2d6b7a01',
  hashSeed: '7d4b2f10-5a9c-4e37-8b62-1c0e9f3a5d44',
};
const file = (mode: number, uid = 0): NodeMetadata => ({ kind: 'file', mode, uid, gid: uid, mtime: 1_600_000_000 });
const metadata = new Map<string, NodeMetadata>([
  ['', { kind: 'folder', mode: 0o755, uid: 0, gid: 0, mtime: epoch }],
  ['etc', { kind: 'folder', mode: 0o700, uid: 5, gid: 6, mtime: 1_600_000_000 }],
  ...Array.from({ length: 40 }, (_, i): [string, NodeMetadata] => [`etc/file-${i}`, file(0o640, i)]),
  ['su', file(0o4755)],
  ['link', { kind: 'link', mode: 0o777, uid: 1, gid: 2, mtime: 1_600_000_000 }],
]);

/** The same tree, its files made in another order. */
function tree(turned: boolean): string {
  const folder = mkdtempSync(join(root, 't-'));
  mkdirSync(join(folder, 'etc'));
  const paths = [...metadata].filter(([, node]) => node.kind === 'file').map(([path]) => path);
  for (const path of turned ? paths.reverse() : paths) writeFileSync(join(folder, path), `content of ${path}\n`);
  symlinkSync('etc/file-0', join(folder, 'link'));
  return folder;
}

function debugfs(image: string, command: string): string {
  return execFileSync(findTool('debugfs') ?? 'debugfs', ['-R', command, image], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

describe('ext4', () => {
  test('is the same bytes from two folders made in another order at another time, and clean', async () => {
    const [a, b] = [join(root, 'a.ext4'), join(root, 'b.ext4')];
    await makeExt4(a, ext4, { folder: tree(false), metadata, size: 2 ** 26, epoch });
    await makeExt4(b, ext4, { folder: tree(true), metadata, size: 2 ** 26, epoch });
    expect(await sha256OfFile(a)).toBe(await sha256OfFile(b));
    execFileSync(findTool('e2fsck') ?? 'e2fsck', ['-f', '-n', a], { stdio: 'ignore' });
    expect(debugfs(a, 'stat /su')).toMatch(/Mode: {2}04755/);
    expect(debugfs(a, 'stat /etc')).toMatch(/User: +5 +Group: +6/);
    expect(debugfs(a, 'stat /etc/file-7')).toMatch(
      /User: +7 .*[\s\S]*mtime: 0x5f5e1000:00000000[\s\S]*crtime: 0x6553f100:00000000/,
    );
    expect(debugfs(a, 'stat /link')).toMatch(/Type: symlink[\s\S]*Fast link dest: "etc\/file-0"/);
  });
});

describe('FAT', () => {
  test('is the same bytes twice, and holds its files', async () => {
    const fat = { type: 'vfat' as const, label: 'GVM-ESP', id: '6776-6D01' };
    const files = [
      { path: 'EFI/BOOT/BOOTX64.EFI', bytes: Buffer.alloc(5000, 1) },
      { path: 'EFI/debian/grub.cfg', bytes: Buffer.from('set timeout=0\n') },
    ];
    const make = (name: string) =>
      makeFat(join(root, name), fat, { files, size: 40 * 2 ** 20, epoch, scratch: join(root, `${name}.files`) });
    await make('a.fat');
    // FAT counts time in steps of two seconds.
    await new Promise((resolve) => setTimeout(resolve, 2100));
    await make('b.fat');
    expect(await sha256OfFile(join(root, 'a.fat'))).toBe(await sha256OfFile(join(root, 'b.fat')));
    const text = execFileSync('mtype', ['-i', join(root, 'a.fat'), '::/EFI/debian/grub.cfg'], { encoding: 'utf8' });
    expect(text).toBe('set timeout=0\n');
  });
});

describe('the disk', () => {
  test('has the partitions of the recipe, and their bytes where the table says', async () => {
    const { recipe } = await loadRecipe(new URL('../../images/openrc.yaml', import.meta.url).pathname);
    const { biosBoot } = recipe.disk;
    const parts = [join(root, 'p0'), join(root, 'p1')];
    for (const part of parts) writeFileSync(part, part);
    const [raw, target] = [join(root, 'd.raw'), join(root, 'd.qcow2')];
    const grub = embedGrub(Buffer.alloc(512, 0xeb), Buffer.alloc(2000, 'core'), BIOS_BOOT);
    await makeDisk(recipe.disk, parts, { raw, target, grub });
    const table = JSON.parse(
      execFileSync(findTool('sfdisk') ?? 'sfdisk', ['--json', raw], { encoding: 'utf8' }),
    ).partitiontable;
    expect(table).toMatchObject({ label: 'gpt', id: recipe.disk.guid.toUpperCase(), unit: 'sectors' });
    expect(table.partitions.map((p: { name: string; uuid: string }) => [p.name, p.uuid])).toEqual([
      ...recipe.disk.partitions.map((p) => [p.label, p.guid.toUpperCase()]),
      ['BIOS boot', biosBoot?.toUpperCase()],
    ]);
    expect(table.partitions[2]).toMatchObject({ start: 40, size: 2008, type: '21686148-6449-6E6F-744E-656564454649' });
    execFileSync(findTool('sfdisk') ?? 'sfdisk', ['--verify', raw]);
    const begin = execFileSync('dd', [`if=${raw}`, 'bs=512', 'count=42', 'status=none']);
    expect([begin[0], begin[439], begin.toString('hex', 446, 452)]).toEqual([0xeb, 0xeb, '00000200eeff']);
    expect(begin.toString('latin1', 40 * 512, 40 * 512 + 8)).toBe('corecore');
    const start = table.partitions[1].start * 512;
    expect(
      execFileSync('dd', [`if=${raw}`, 'bs=1', `skip=${start}`, `count=${parts[1]?.length}`, 'status=none']).toString(),
    ).toBe(parts[1]);
    const info = JSON.parse(execFileSync('qemu-img', ['info', '--output=json', target], { encoding: 'utf8' }));
    expect(info).toMatchObject({ format: 'qcow2', 'virtual-size': recipe.disk.size });
    expect(partitionScript(recipe.disk)).toContain('name="EFI"');
  });
});

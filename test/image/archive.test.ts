import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { pathMatcher } from '../../src/image/build/glob.ts';
import { readMember, readTar, type TarEntry } from '../../src/image/build/tar-read.ts';
import { writeTar } from '../../src/image/build/tar-write.ts';

const root = mkdtempSync(join(tmpdir(), 'gvm-tar-'));
afterAll(() => rmSync(root, { recursive: true }));

async function entries(archive: string): Promise<TarEntry[]> {
  const file = await open(archive);
  try {
    const found: TarEntry[] = [];
    for await (const entry of readTar(file)) found.push(entry);
    return found;
  } finally {
    await file.close();
  }
}

const long = `${'deep/'.repeat(30)}file-with-a-long-name`;

describe('tar archives', () => {
  test.each(['ustar', 'gnu', 'pax'])('of tar --format=%s are read', async (format) => {
    const tree = mkdtempSync(join(root, 'tree-'));
    mkdirSync(join(tree, 'deep/'.repeat(30)), { recursive: true });
    writeFileSync(join(tree, long), 'content');
    writeFileSync(join(tree, 'set'), 'x');
    chmodSync(join(tree, 'set'), 0o4755);
    symlinkSync('set', join(tree, 'link'));
    linkSync(join(tree, 'set'), join(tree, 'setx'));
    const archive = join(tree, '../a.tar');
    execFileSync('tar', [
      '-C',
      tree,
      '-c',
      `--format=${format}`,
      '--sort=name',
      '--owner=7',
      '--mtime=@1700000000',
      '-f',
      archive,
      '.',
    ]);
    const read = await entries(archive);
    const by = new Map(read.map((entry) => [entry.path, entry]));
    expect(by.get('')).toMatchObject({ kind: 'folder' });
    expect(by.get(long)).toMatchObject({ kind: 'file', size: 7, uid: 7, mtime: 1_700_000_000 });
    expect(by.get('link')).toMatchObject({ kind: 'link', target: 'set' });
    expect(by.get('set')).toMatchObject({ kind: 'file', mode: 0o4755 });
    expect(by.get('setx')).toMatchObject({ kind: 'hardlink', target: 'set' });
  });

  test('that gvm writes are what tar lists', async () => {
    const archive = join(root, 'w.tar');
    const pieces = writeTar(
      [
        { path: 'etc', kind: 'folder', mode: 0o755 },
        { path: 'etc/motd', kind: 'file', mode: 0o640, bytes: Buffer.from('hello\n') },
        { path: 'etc/link', kind: 'link', target: '../motd' },
        { path: `${'a'.repeat(90)}/${'b'.repeat(90)}`, kind: 'file', mode: 0o644, bytes: Buffer.alloc(512) },
      ],
      1_700_000_000,
    );
    writeFileSync(archive, Buffer.concat(pieces));
    const listing = execFileSync('tar', ['-tvf', archive, '--utc', '--full-time'], { encoding: 'utf8' })
      .trim()
      .split('\n');
    expect(listing.map((line) => line.replace(/ +/g, ' '))).toEqual([
      'drwxr-xr-x root/root 0 2023-11-14 22:13:20 etc',
      '-rw-r----- root/root 6 2023-11-14 22:13:20 etc/motd',
      'lrwxrwxrwx root/root 0 2023-11-14 22:13:20 etc/link -> ../motd',
      `-rw-r--r-- root/root 512 2023-11-14 22:13:20 ${'a'.repeat(90)}/${'b'.repeat(90)}`,
    ]);
    expect((await readMember(archive, 'etc/motd')).toString()).toBe('hello\n');
    for (const path of ['etc/link', 'etc/none'])
      await expect(readMember(archive, path)).rejects.toMatchObject({ code: 'image-corrupt' });
  });

  test('with a damaged header are refused at the offset', async () => {
    const archive = join(root, 'bad.tar');
    const bytes = Buffer.concat(writeTar([{ path: 'a', kind: 'folder', mode: 0o755 }], 0));
    bytes[3] = 0x41;
    writeFileSync(archive, bytes);
    await expect(entries(archive)).rejects.toMatchObject({
      code: 'image-corrupt',
      message: 'the tar archive has a header whose checksum is wrong at byte 0',
    });
  });
});

test.each([
  ['usr/share/doc/**', 'usr/share/doc/a/b', true],
  ['usr/share/doc/**', 'usr/share/docs', false],
  ['drivers/virtio/*', 'drivers/virtio/virtio_pci', true],
  ['drivers/*', 'drivers/virtio/virtio_pci', true],
  ['etc/rc?.d', 'etc/rc2.d/S01ssh', true],
  ['**/__pycache__', 'usr/lib/x/__pycache__/a.pyc', true],
  ['a+b', 'aab', false],
])('the pattern %s and the path %s: %s', (pattern, path, expected) => {
  expect(pathMatcher([pattern])(path)).toBe(expected);
});

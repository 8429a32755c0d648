import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { dependencies } from '../../src/image/build/kernel.ts';
import { initScript } from '../../src/image/initramfs/init-script.ts';
import { writeInitramfs } from '../../src/image/initramfs/write.ts';
import { hasPvhEntry, kernelPayload } from '../../src/image/vmlinux.ts';

const root = mkdtempSync(join(tmpdir(), 'gvm-initramfs-'));
afterAll(() => rmSync(root, { recursive: true }));

describe('the initramfs', () => {
  test('holds busybox, the modules and their order, and the same bytes each time', () => {
    const parts = {
      busybox: Buffer.from('busybox'),
      modules: [
        { path: 'kernel/drivers/virtio/virtio-ring.ko', bytes: Buffer.from('1') },
        { path: 'kernel/fs/ext4/ext4.ko', bytes: Buffer.from('22') },
      ],
      mtime: 1_700_000_000,
    };
    const bytes = writeInitramfs(parts);
    expect(Buffer.compare(bytes, writeInitramfs(parts))).toBe(0);
    const archive = join(root, 'i.cpio');
    writeFileSync(archive, bytes);
    const out = mkdtempSync(join(root, 'o-'));
    execFileSync(
      'cpio',
      ['-id', '--quiet', '--no-absolute-filenames', '-F', archive, 'init', 'modules', 'lib/*', 'bin/*'],
      { cwd: out },
    );
    expect(readFileSync(join(out, 'modules'), 'utf8')).toBe('virtio_ring.ko\next4.ko\n');
    expect(readdirSync(join(out, 'lib')).sort()).toEqual(['ext4.ko', 'virtio_ring.ko']);
    expect(readFileSync(join(out, 'init'), 'utf8')).toBe(initScript);
  });

  test('starts with a script that busybox can parse', () => {
    const script = join(root, 'init');
    writeFileSync(script, initScript);
    execFileSync('busybox', ['sh', '-n', script]);
  });
});

describe('a kernel image', () => {
  test('that is no bzImage has no payload', () => {
    expect(kernelPayload(Buffer.alloc(100))).toBeUndefined();
    expect(kernelPayload(Buffer.alloc(4096))).toBeUndefined();
  });

  test('gives its packed kernel without the size that follows it', () => {
    const image = Buffer.alloc(8192);
    image.write('HdrS', 0x202);
    image[0x1f1] = 3;
    image.writeUInt32LE(512, 0x248);
    image.writeUInt32LE(20, 0x24c);
    Buffer.from('fd377a585a00', 'hex').copy(image, 4 * 512 + 512);
    expect(kernelPayload(image)).toMatchObject({ kind: 'xz' });
    expect(kernelPayload(image)?.bytes.length).toBe(16);
    image.writeUInt32LE(100_000, 0x24c);
    expect(kernelPayload(image)).toBeUndefined();
  });

  test('that is no ELF file, or a cut one, has no PVH entry', () => {
    expect(hasPvhEntry(Buffer.from('no'))).toBe(false);
    const elf = Buffer.alloc(64);
    elf.write('\x7fELF', 0, 'latin1');
    elf[4] = 2;
    elf.writeBigUInt64LE(64n, 32);
    elf.writeUInt16LE(56, 54);
    elf.writeUInt16LE(9, 56);
    expect(hasPvhEntry(elf)).toBe(false);
  });
});

test.each([
  ['name=a\0depends=b,c-d\0retpoline=Y\0', ['b', 'c-d']],
  ['name=a\0depends=\0', []],
  ['name=a\0', []],
])('the dependencies of a module with %j', (info, expected) => {
  expect(dependencies(Buffer.from(`\0${info}`))).toEqual(expected);
});

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLog } from '../../src/core/index.ts';
import {
  type DirectBoot,
  directBoot,
  ensureImage,
  loadRecipe,
  openStore,
  type StoredImage,
} from '../../src/image/index.ts';
import { home } from './gvm.ts';

const folder = mkdtempSync(join(tmpdir(), 'gvm-image-e2e-'));
afterAll(() => rmSync(folder, { recursive: true }));

let image: StoredImage;
let boot: DirectBoot;

beforeAll(async () => {
  const recipe = await loadRecipe(new URL('../../images/openrc.yaml', import.meta.url).pathname);
  image = await ensureImage(openStore(home), recipe, { log: silentLog, version: 'test' });
  boot = await directBoot(image, { buses: ['virtio'], scale: 1 });
});

/** Starts the image's kernel and initramfs until the machine ends, and returns what the kernel log showed of gvm. */
function console(append: string): string {
  const overlay = join(folder, 'overlay.qcow2');
  const disk = image.layers[0]?.path ?? '';
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', disk, '-F', 'qcow2', overlay]);
  const { stdout } = spawnSync(
    'qemu-system-x86_64',
    [
      ...['-nodefaults', '-no-user-config', '-accel', 'tcg,thread=multi', '-machine', 'q35', '-cpu', 'max'],
      ...['-smp', '2', '-m', '512M', '-display', 'none', '-serial', 'stdio', '-no-reboot'],
      ...['-kernel', boot.kernel, '-initrd', boot.initrd, '-append', `${boot.append} ${append}`],
      ...['-drive', `if=none,id=d,file=${overlay},format=qcow2`, '-device', 'virtio-blk-pci,drive=d'],
    ],
    { encoding: 'utf8', timeout: 120_000 },
  );
  const line = stdout.split('\n').find((text) => text.includes('gvm-initramfs: ')) ?? stdout;
  return line.replace(/^.*gvm-initramfs: /, '').trim();
}

describe('the initramfs', () => {
  test('names the root device that it waited for and what it found, and powers off', () => {
    const found = console('root=UUID=11111111-2222-3333-4444-555555555555');
    expect(found).toBe(
      'root device UUID=11111111-2222-3333-4444-555555555555 not found after 5 s; found: vda (GPT), ' +
        `vda1 (vfat, UUID=6776-6d01), vda2 (ext, UUID=${image.manifest.root.uuid}), vda3 (nothing known)`,
    );
  });

  test.each([['root=LABEL=gvm-root'], ['root=PARTUUID=5e0c7a92-3b1d-4f86-b7a0-9d1e2c4f6b33'], ['root=/dev/vda2']])(
    'finds the root device by %s, and names an init that is missing',
    (root) => {
      expect(console(`${root} init=/nowhere`)).toBe('the root file system on /dev/vda2 has no /nowhere');
    },
  );

  test('says why a root device cannot be mounted', () => {
    expect(console('root=/dev/vda1')).toMatch(
      /^root device \/dev\/vda1 \(\/dev\/vda1, vfat, UUID=6776-6d01\) cannot be mounted: /,
    );
  });
});

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { silentLog } from '../../src/core/index.ts';
import { type BuildMode, ensureImage, loadRecipe, openStore, rebuildImage } from '../../src/image/index.ts';
import { cli, gvm, home } from '../e2e/gvm.ts';
import { folderOf, ordinaryUser, runAs } from './ordinary-user.ts';

const root = mkdtempSync(join(tmpdir(), 'gvm-long-image-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const recipe = await loadRecipe(new URL('../../images/openrc.yaml', import.meta.url).pathname);
const image = await ensureImage(openStore(home), recipe, { log: silentLog, version: 'test' });

/** Builds anew from the recorded packages, with a cache of its own that begins empty. */
async function digestBy(mode: BuildMode): Promise<string> {
  const store = openStore(join(root, mode));
  const options = { log: silentLog, version: 'test', packages: image.manifest.list, mode };
  const { digest } = await rebuildImage(store, recipe, options);
  return digest;
}

const isRoot = process.getuid?.() === 0;

test.skipIf(!isRoot)('root builds the image in a chroot: the same digest', async () => {
  expect(await digestBy('root')).toBe(image.digest);
});

test('fakechroot builds the image: the same digest', async () => {
  expect(await digestBy('fakechroot')).toBe(image.digest);
});

test('the builder guest builds the image: the same digest', async () => {
  expect(await digestBy('guest')).toBe(image.digest);
});

const user = ordinaryUser();

test.skipIf(!user)('an ordinary user builds the image in a user namespace: the same digest', () => {
  if (!user) return;
  const own = folderOf(user);
  writeFileSync(join(own, 'packages.json'), JSON.stringify(image.manifest.list));
  mkdirSync(join(own, 'runtime'), { mode: 0o700 });
  execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, own]);
  try {
    const env = { GVM_HOME: own, XDG_RUNTIME_DIR: join(own, 'runtime') };
    const args = ['image', 'build', 'openrc', '--packages', 'packages.json', '--json'];
    expect(JSON.parse(runAs(user, own, [process.execPath, cli, ...args], env))).toMatchObject({
      digest: image.digest,
      buildMode: 'unshare',
    });
  } finally {
    rmSync(own, { recursive: true });
  }
});

test.each([
  ['direct', ''],
  ['uefi', 'BOOT_IMAGE='],
  ['bios', 'BOOT_IMAGE='],
])('boots with firmware %s', async (firmware, sign) => {
  const { code, stdout } = await gvm(['run', 'openrc', '--firmware', firmware, '--', 'cat /proc/cmdline']);
  expect(code).toBe(0);
  expect(stdout).toContain(`${sign}`);
  expect(stdout).toContain(`root=UUID=${image.manifest.root.uuid}`);
});

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openStore } from '../../src/image/index.ts';
import type { StoredImageManifest } from '../../src/schema/index.ts';

const root = mkdtempSync(join(tmpdir(), 'gvm-store-'));
afterAll(() => rmSync(root, { recursive: true }));
const fresh = () => mkdtempSync(join(root, 's-'));

const manifest: StoredImageManifest = {
  name: 'tiny',
  description: 'an image of the tests',
  recipe: 'a'.repeat(64),
  digest: 'b'.repeat(64),
  format: 'qcow2',
  diskBytes: 4,
  virtualSize: 2 ** 20,
  arch: 'x86_64',
  init: 'none',
  kernel: { release: '6.1.0', compressed: false },
  root: { uuid: '0a6c4c1e-8d5f-4c53-9c1f-6f5e2d6b7a01', type: 'ext4' },
  firmware: 'direct',
  append: 'quiet',
  memory: 2 ** 30,
  login: { user: 'root' },
  list: {
    suite: 'bookworm',
    sourceDateEpoch: 1_700_000_000,
    packages: [{ name: 'a', version: '1', arch: 'all', sha256: 'c'.repeat(64), role: 'root' }],
  },
  buildMode: 'root',
  gvm: '0.1.0',
  builtAt: '2026-01-01T00:00:00.000Z',
  buildMs: 1,
};

const fill = async (folder: string) => {
  await writeFile(join(folder, 'disk.qcow2'), 'disk');
  return manifest;
};

describe('the store', () => {
  test('has an image only when it is whole, and hands it out with its defaults', async () => {
    const store = openStore(fresh());
    expect(await store.list()).toEqual([]);
    const stored = await store.put('tiny', fill);
    expect(stored).toMatchObject({
      name: 'tiny',
      layers: [{ path: join(store.folder, 'tiny/disk.qcow2'), format: 'qcow2' }],
      machine: { firmware: 'direct', memory: 2 ** 30 },
      login: { user: 'root' },
    });
    expect((await store.list()).map((i) => i.name)).toEqual(['tiny']);
  });

  test('keeps the old image and leaves nothing when a build fails', async () => {
    const store = openStore(fresh());
    await store.put('tiny', fill);
    const failing = store.put('tiny', async (folder) => {
      await writeFile(join(folder, 'disk.qcow2'), 'half');
      throw new Error('interrupted');
    });
    await expect(failing).rejects.toThrow('interrupted');
    expect(readdirSync(store.folder)).toEqual(['tiny']);
    expect((await store.get('tiny'))?.digest).toBe(manifest.digest);
  });

  test('replaces an image in one step', async () => {
    const store = openStore(fresh());
    await store.put('tiny', fill);
    const next = await store.put('tiny', async (folder) => ({ ...(await fill(folder)), digest: 'd'.repeat(64) }));
    expect(next.digest).toBe('d'.repeat(64));
    expect(readdirSync(store.folder)).toEqual(['tiny']);
  });

  test('does not count a folder without a manifest or without a disk, nor a manifest that it cannot read', async () => {
    const store = openStore(fresh());
    for (const name of ['bare', 'torn', 'diskless']) mkdirSync(join(store.folder, name));
    writeFileSync(join(store.folder, 'torn/manifest.json'), '{"name":');
    writeFileSync(join(store.folder, 'torn/disk.qcow2'), '');
    writeFileSync(join(store.folder, 'diskless/manifest.json'), JSON.stringify(manifest));
    expect(await store.list()).toEqual([]);
    expect(await store.get('bare')).toBeUndefined();
  });

  test('sweeps what a killed gvm left behind, and not what a living one is making', async () => {
    const home = fresh();
    const { pid: dead } = spawnSync('true');
    const { folder } = openStore(home);
    mkdirSync(join(folder, `.work-${dead}-tiny`));
    mkdirSync(join(folder, `.old-${dead}-tiny`));
    mkdirSync(join(folder, `.work-${process.ppid}-tiny`));
    openStore(home);
    expect(readdirSync(folder)).toEqual([`.work-${process.ppid}-tiny`]);
  });

  test('removes an image, and says when there is none', async () => {
    const store = openStore(fresh());
    await store.put('tiny', fill);
    expect(await store.remove('tiny')).toBe(true);
    expect(await store.remove('tiny')).toBe(false);
    expect(readdirSync(store.folder)).toEqual([]);
  });
});

describe('the lock of an image', () => {
  test('keeps a second one out until it is given back', async () => {
    const store = openStore(fresh());
    const first = await store.lock('tiny', { timeout: 1000 });
    await expect(store.lock('tiny', { timeout: 300 })).rejects.toMatchObject({
      code: 'store-locked',
      message: `process ${process.pid} has held the image tiny for longer than 0 s`,
    });
    await first[Symbol.asyncDispose]();
    await using _second = await store.lock('tiny', { timeout: 1000 });
  });

  test('of a process that is no more is taken over', async () => {
    const store = openStore(fresh());
    writeFileSync(join(store.folder, '.lock-tiny'), JSON.stringify({ pid: 2 ** 22 + 1, startTime: '1', boot: 'x' }));
    await using _lock = await store.lock('tiny', { timeout: 1000 });
  });

  test('is not waited for after the signal', async () => {
    const store = openStore(fresh());
    await using _held = await store.lock('tiny', { timeout: 1000 });
    const abort = new AbortController();
    const waiting = store.lock('tiny', { timeout: 60_000, signal: abort.signal });
    abort.abort(new Error('stop'));
    await expect(waiting).rejects.toThrow('stop');
  });
});

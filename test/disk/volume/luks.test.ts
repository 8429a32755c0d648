import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTree, readLayout } from '../../../src/disk/index.ts';
import { FileSource } from '../../../src/disk/source/file.ts';
import { MemorySource } from '../../../src/disk/source/memory.ts';
import { deriveKey, deriveLimits } from '../../../src/disk/volume/luks/derive.ts';
import { luks } from '../../../src/disk/volume/luks/luks.ts';
import { unlock } from '../../../src/disk/volume/luks/unlock.ts';
import { findTool } from '../../../src/process/index.ts';
import { readsAnything } from '../mutate.ts';
import { readAll } from '../read-all.ts';
import { Encryption } from './encrypt.ts';

// cryptsetup formats and encrypts plain files without the kernel; qemu-img writes LUKS1 by an implementation of its own.
const folder = mkdtempSync(join(tmpdir(), 'gvm-luks-'));
const at = (name: string) => join(folder, name);
const run = (tool: string, ...args: string[]) =>
  execFileSync(findTool(tool) ?? tool, args, { cwd: folder, stdio: 'pipe' });
const key = Buffer.from('a passphrase');
const CHEAP = { pbkdf2: '--pbkdf-force-iterations=1000', argon2: '--pbkdf-force-iterations=4' };

let luks1: string;

beforeAll(() => {
  writeFileSync(at('key'), key);
  writeFileSync(at('other'), 'another one');
  const tree = at('tree');
  execFileSync('mkdir', ['-p', join(tree, 'etc')]);
  writeFileSync(join(tree, 'etc/os-release'), 'ID=gvmtest\n');
  writeFileSync(join(tree, 'large'), Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31) % 251)));
  writeFileSync(at('plain'), '');
  truncateSync(at('plain'), 4 * 2 ** 20);
  run('mke2fs', '-q', '-F', '-b', '4096', '-d', tree, 'plain');
  luks1 = encryption.byQemu('plain', 'luks1', 'aes-128');
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const encryption = new Encryption(folder);
const encrypt = (name: string, ...options: string[]) => encryption.byCryptsetup('plain', name, ...options);

async function filesOf(image: string, ...keys: Buffer[]) {
  await using source = await FileSource.open(image);
  const layout = await readLayout(source, { keys });
  const { vfs } = await openTree(layout);
  return { layout, large: await vfs.readFile('/large') };
}

describe('a volume with a key', () => {
  it.each([
    [
      'argon2id and sectors of 4096 bytes',
      ['--pbkdf=argon2id', '--pbkdf-memory=4096', CHEAP.argon2, '--sector-size=4096'],
    ],
    ['argon2i and sectors of 512 bytes', ['--pbkdf=argon2i', '--pbkdf-memory=32', CHEAP.argon2, '--sector-size=512']],
    ['pbkdf2 by sha512 and aes of 128 bits', ['--pbkdf=pbkdf2', CHEAP.pbkdf2, '--hash=sha512', '--key-size=256']],
    ['aes-cbc-essiv', ['--pbkdf=pbkdf2', CHEAP.pbkdf2, '--cipher=aes-cbc-essiv:sha256', '--key-size=256']],
  ])('of LUKS2 by %s holds the file system that was encrypted', async (name, options) => {
    const { layout, large } = await filesOf(encrypt(name, ...options), key);
    expect(layout.volumes.map((volume) => [volume.name, volume.content, volume.on])).toEqual([
      ['disk', 'LUKS2', []],
      ['luks:disk', 'ext2', ['disk']],
    ]);
    expect(large).toEqual(readFileSync(join(at('tree'), 'large')));
  });

  it('of LUKS1 by QEMU holds it, too', async () => {
    const { layout, large } = await filesOf(luks1, Buffer.from('another one'), key);
    expect(layout.volumes[0]?.content).toBe('LUKS1');
    expect(large).toEqual(readFileSync(join(at('tree'), 'large')));
  });

  it('is opened by a file whose line an editor ended, and by the second slot', async () => {
    const image = encrypt('slots', '--pbkdf=pbkdf2', CHEAP.pbkdf2);
    run('cryptsetup', 'luksAddKey', '-q', '--key-file', 'key', '--pbkdf=pbkdf2', CHEAP.pbkdf2, 'slots', 'other');
    await filesOf(image, Buffer.from('another one\n'));
    run('cryptsetup', 'luksKillSlot', '-q', '--key-file', 'other', 'slots', '0');
    await expect(filesOf(image, key)).rejects.toMatchObject({ code: 'locked' });
    await filesOf(image, key, Buffer.from('another one'));
  });

  it('of LUKS2 outlives the loss of either header', async () => {
    const image = encrypt('headers', '--pbkdf=pbkdf2', CHEAP.pbkdf2);
    const bytes = readFileSync(image);
    const damage = async (from: number, length: number) => {
      const copy = Buffer.from(bytes);
      copy.fill(0x55, from, from + length);
      const layout = await readLayout(new MemorySource(copy), { keys: [key] });
      expect(layout.volumes.at(-1)?.fs?.type).toBe('ext2');
      return layout.volumes[0]?.diagnostics.map(({ message }) => message).join();
    };
    expect(await damage(5000, 4)).toMatch(/^LUKS2 header at offset 448: its checksum is wrong$/);
    expect(await damage(16_384 + 5000, 4)).toMatch(/^LUKS2 second header at offset 16832: its checksum is wrong$/);
    expect(await damage(0, 4096)).toBe('');
    // What its checksum is right of, and cryptsetup takes for damaged as well.
    bytes.fill(1, 16_383, 16_384);
    bytes.fill(0, 448, 512);
    createHash('sha256').update(bytes.subarray(0, 16_384)).digest().copy(bytes, 448);
    expect(await damage(0, 0)).toMatch(/^LUKS2 header's JSON at offset \d+: more follows the JSON$/);
  });
});

describe('a volume without its key', () => {
  it('says that it is locked and how it is opened', async () => {
    await using source = await FileSource.open(encrypt('locked', '--pbkdf=pbkdf2', CHEAP.pbkdf2));
    const layout = await readLayout(source);
    expect(layout.volumes).toMatchObject([{ name: 'disk', content: 'LUKS2, locked', diagnostics: [] }]);
    await expect(openTree(layout)).rejects.toMatchObject({
      code: 'locked',
      hint: expect.stringContaining('--key-file FILE'),
    });
    const wrong = await readLayout(source, { keys: [Buffer.from('wrong')] });
    await expect(openTree(wrong)).rejects.toMatchObject({
      message: expect.stringContaining('is not opened by the key given'),
    });
  });

  it('refuses by name what it does not decrypt', async () => {
    const image = at('serpent');
    const bytes = readFileSync(luks1);
    // LUKS1 has no checksums.
    bytes.write('serpent\0', 8);
    writeFileSync(image, bytes);
    await expect(filesOf(image, key)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('serpent-xts-plain64'),
    });
  });
});

describe('a header that asks for too much', () => {
  const salt = randomBytes(32);
  it.each([
    ['argon2id', { type: 'argon2id', time: 4, memoryKiB: 2 ** 21, lanes: 4, salt }],
    ['argon2i', { type: 'argon2i', time: 2 ** 20, memoryKiB: 2 ** 10, lanes: 1, salt }],
    ['pbkdf2', { type: 'pbkdf2', hash: 'sha256', iterations: 2 ** 30, salt }],
  ] as const)('of %s is refused', async (name, kdf) => {
    const asked = deriveKey(kdf, key, 32, deriveLimits);
    await expect(asked).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining(name) });
  });

  it('can be given up', async () => {
    const controller = new AbortController();
    const kdf = { type: 'argon2id', time: 64, memoryKiB: 2 ** 18, lanes: 4, salt } as const;
    const asked = deriveKey(kdf, key, 32, deriveLimits, controller.signal);
    controller.abort(new Error('enough'));
    await expect(asked).rejects.toThrow('enough');
  });
});

describe('hostile bytes', () => {
  it('end in a result or a typed error', async () => {
    const image = readFileSync(encrypt('hostile', '--pbkdf=pbkdf2', CHEAP.pbkdf2));
    const limits = { iterations: 2000, memory: 64, work: 256 };
    await readsAnything(
      image,
      [
        [0, 600],
        [4096, 1200],
        [16_384, 600],
        [16_384 + 4096, 1200],
      ],
      async (source) => {
        const head = await luks.probe(source);
        if (head) await unlock(head, source, [key], limits);
      },
      100,
    );
    const one = readFileSync(luks1);
    await readsAnything(
      one,
      [[0, 700]],
      async (source) => {
        const head = await luks.probe(source);
        if (head) await unlock(head, source, [key], limits);
        const layout = await readLayout(source);
        for (const { fs } of layout.volumes) if (fs) await readAll(fs);
      },
      100,
    );
  });
});

import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openImage } from '../../../src/disk/index.ts';
import { type ErrorCode, isGvmError } from '../../../src/errors/index.ts';
import { failure } from './failure.ts';

let folder: string;
let elsewhere: string;
const at = (name: string) => join(folder, name);
const qemuImg = (...args: string[]) => execFileSync('qemu-img', args, { cwd: folder, stdio: 'pipe' });

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-open-'));
  elsewhere = mkdtempSync(join(tmpdir(), 'gvm-elsewhere-'));
  writeFileSync(at('base.raw'), Buffer.alloc(1024 * 1024, 7));
  qemuImg('convert', '-f', 'raw', '-O', 'qcow2', 'base.raw', 'base.qcow2');
  qemuImg('convert', '-c', '-f', 'raw', '-O', 'qcow2', 'base.raw', 'packed.qcow2');
  qemuImg('create', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', 'over.qcow2');
});

afterAll(() => {
  rmSync(folder, { recursive: true });
  rmSync(elsewhere, { recursive: true });
});

describe('format', () => {
  it('comes from the extension', async () => {
    expect(await openImage(at('base.raw'))).toEqual({
      layers: [{ path: at('base.raw'), format: 'raw', virtualSize: 1048576 }],
      virtualSize: 1048576,
    });
    expect((await openImage(at('base.qcow2'))).layers[0]?.format).toBe('qcow2');
  });

  it('is asked for when the extension says none', async () => {
    copyFileSync(at('base.raw'), at('disk.bin'));
    expect(await failure(at('disk.bin'))).toMatchObject({
      code: 'image-format',
      message: `${at('disk.bin')}: the format of the image is not known: its name ends in .bin`,
      hint: 'say --format with one of qcow2, raw, vmdk, vhdx, vhd, vdi, vpc',
    });
    expect((await openImage(at('disk.bin'), { format: 'raw' })).layers).toHaveLength(1);
  });

  it('is never chosen by the content of a file named .img', async () => {
    copyFileSync(at('base.qcow2'), at('disk.img'));
    expect(await failure(at('disk.img'))).toMatchObject({
      code: 'image-format',
      exitCode: 2,
      message: `${at('disk.img')} is named as a raw image, but begins as qcow2`,
      hint: 'say --format qcow2 if you trust this file, --format raw to read it as bytes',
    });
    expect((await openImage(at('disk.img'), { format: 'raw' })).layers[0]?.format).toBe('raw');
    expect((await openImage(at('disk.img'), { format: 'qcow2' })).layers[0]?.format).toBe('qcow2');
    // A qcow2 over another file is no whole number of sectors; as bytes it is what it is.
    qemuImg('create', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', 'over.img');
    expect((await failure(at('over.img'))).message).toContain('begins as qcow2');
    expect(await openImage(at('over.img'), { format: 'raw' })).toMatchObject({
      layers: [{ format: 'raw', virtualSize: statSync(at('over.img')).size }],
    });
  });

  it('must be there when the name promises qcow2', async () => {
    copyFileSync(at('base.raw'), at('not.qcow2'));
    expect(await failure(at('not.qcow2'))).toMatchObject({
      code: 'image-format',
      message: `${at('not.qcow2')} is named as a qcow2 image, but does not begin as one`,
    });
  });

  it('has nothing to say of a file that is missing', async () => {
    expect((await failure(at('none.qcow2'))).code).toBe('file-missing');
  });

  it('does not wait for a named pipe', async () => {
    execFileSync('mkfifo', [at('pipe.raw')]);
    expect((await failure(at('pipe.raw'))).code).toBe('image-refused');
  });
});

describe('backing chain', () => {
  const rebase = (name: string, backing: string, format = 'qcow2') => {
    copyFileSync(at('over.qcow2'), at(name));
    qemuImg('rebase', '-u', '-b', backing, '-F', format, name);
    return at(name);
  };

  it('is listed top first', async () => {
    const { layers } = await openImage(at('over.qcow2'));
    expect(layers.map((layer) => layer.path)).toEqual([at('over.qcow2'), at('base.qcow2')]);
  });

  it.each([
    ['json:{"driver":"file","filename":"/etc/passwd"}'],
    ['nbd://localhost/x'],
    ['file:/etc/passwd'],
    ['/etc/passwd'],
    ['../../../../../../etc/passwd'],
  ])('refuses %s', async (backing) => {
    const path = rebase('evil.qcow2', backing, 'raw');
    const error = await failure(path);
    expect(error).toMatchObject({ code: 'image-refused', exitCode: 2 });
    expect(error.message).toContain(path);
  });

  it('resolves links before it asks whether a place is allowed', async () => {
    symlinkSync('/etc/passwd', at('link.raw'));
    expect(await failure(rebase('linked.qcow2', 'link.raw', 'raw'))).toMatchObject({
      code: 'image-refused',
      hint: 'if you trust the image, say --allow-backing /etc',
    });
  });

  it('goes where it was allowed to', async () => {
    copyFileSync(at('base.qcow2'), join(elsewhere, 'far.qcow2'));
    const path = rebase('wide.qcow2', join(elsewhere, 'far.qcow2'));
    expect((await failure(path)).code).toBe('image-refused');
    expect((await openImage(path, { allow: [elsewhere] })).layers).toHaveLength(2);
    expect((await openImage(path, { allow: [join(elsewhere, 'far.qcow2')] })).layers).toHaveLength(2);
  });

  it('does not tell whether a file outside exists', async () => {
    const there = await failure(rebase('a.qcow2', '/etc/passwd', 'raw'));
    const absent = await failure(rebase('a.qcow2', '/etc/no-such-file', 'raw'));
    expect(absent.message.replace('no-such-file', 'passwd')).toBe(there.message);
  });

  it('that comes back to itself ends', async () => {
    copyFileSync(at('over.qcow2'), at('loop.qcow2'));
    qemuImg('rebase', '-u', '-b', 'loop.qcow2', '-F', 'qcow2', 'loop.qcow2');
    expect((await failure(at('loop.qcow2'))).code).toBe('image-corrupt');
  });

  it('must agree with the names of its files', async () => {
    expect((await failure(rebase('odd.qcow2', 'base.raw', 'qcow2'))).message).toContain('its name says raw');
  });

  it('names the layer that is missing', async () => {
    expect((await failure(rebase('lost.qcow2', 'gone.qcow2'))).message).toContain(
      'gone.qcow2 as its backing file, which does not exist',
    );
  });

  it('has no external data file', async () => {
    qemuImg('create', '-f', 'qcow2', '-o', 'data_file=outside.raw,data_file_raw=on', 'split.qcow2', '1M');
    expect((await failure(at('split.qcow2'))).code).toBe('image-refused');
  });
});

describe('damage', () => {
  it.each([
    ['base.qcow2', 500_000],
    ['base.qcow2', 300_000],
    ['base.qcow2', 140_000],
    ['base.qcow2', 70_000],
    ['base.qcow2', 100],
    ['packed.qcow2', 200_000],
  ])('finds %s cut at %i bytes', async (name, size) => {
    copyFileSync(at(name), at('cut.qcow2'));
    truncateSync(at('cut.qcow2'), size);
    const error = await failure(at('cut.qcow2'));
    expect(error).toMatchObject({ code: 'image-corrupt', exitCode: 2 });
    expect(error.details).toMatchObject({ structure: expect.any(String), offset: expect.any(Number) });
  });

  it.each([
    ['empty.raw', 0],
    ['empty.qcow2', 0],
    ['odd.raw', 513],
  ])('finds %s of %i bytes', async (name, size) => {
    writeFileSync(at(name), Buffer.alloc(size));
    expect((await failure(at(name))).code).toBe('image-corrupt');
  });

  it('passes what qemu-img makes', async () => {
    for (const options of ['compat=0.10', 'preallocation=metadata', 'cluster_size=512', 'extended_l2=on']) {
      qemuImg('create', '-f', 'qcow2', '-o', options, 'made.qcow2', '8M');
      expect((await openImage(at('made.qcow2'))).virtualSize, options).toBe(8 * 2 ** 20);
    }
    expect((await openImage(at('packed.qcow2'))).virtualSize).toBe(2 ** 20);
  });

  it.each(['over.qcow2', 'small.qcow2'])('ends in a result or a typed error whatever %s holds', async (name) => {
    // Small clusters put header, tables and data close together, so that changes hit all of them.
    writeFileSync(at('small.raw'), Buffer.alloc(16 * 1024, 5));
    qemuImg('convert', '-f', 'raw', '-O', 'qcow2', '-o', 'cluster_size=512', 'small.raw', 'small.qcow2');
    const good = readFileSync(at(name));
    const codes: ErrorCode[] = ['image-format', 'image-corrupt', 'image-refused', 'file-missing'];
    const max = name === 'over.qcow2' ? 1023 : Math.min(good.length - 1, 4095);
    const change = fc.tuple(fc.nat({ max }), fc.integer({ min: 0, max: 255 }));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
        const bytes = Buffer.from(good);
        for (const [offset, value] of changes) bytes[offset] = value;
        writeFileSync(at('mutant.qcow2'), bytes);
        const outcome = await openImage(at('mutant.qcow2')).catch((error: unknown) => error);
        if (outcome instanceof Error) {
          expect(isGvmError(outcome) && codes.includes(outcome.code), String(outcome)).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });
});

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDisk, openImage } from '../../../src/disk/index.ts';
import { isGvmError } from '../../../src/errors/index.ts';

const MIB = 2 ** 20;
const folder = mkdtempSync(join(tmpdir(), 'gvm-snapshots-'));
const at = (name: string) => join(folder, name);
const qemuImg = (...args: string[]) => execFileSync('qemu-img', args, { cwd: folder, stdio: 'pipe' }).toString();
const write = (name: string, byte: number, from: number, length: number) =>
  execFileSync('qemu-io', ['-f', 'qcow2', '-c', `write -P ${byte} ${from} ${length}`, name], { cwd: folder });

/** The whole disk, or one byte for each MiB of it where that is all of one byte. */
async function show(name: string, snapshot?: string): Promise<number[]> {
  await using disk = await openDisk(at(name), { snapshot });
  const bytes = await disk.source.read(0, disk.source.size);
  return Array.from({ length: bytes.length / MIB }, (_, i) => {
    const part = bytes.subarray(i * MIB, (i + 1) * MIB);
    return part.every((byte) => byte === part[0]) ? (part[0] ?? -1) : -1;
  });
}

beforeAll(() => {
  qemuImg('create', '-f', 'qcow2', '-o', 'cluster_size=4096', 'base.qcow2', '4M');
  write('base.qcow2', 9, 3 * MIB, MIB);
  qemuImg('create', '-f', 'qcow2', '-o', 'cluster_size=4096', '-b', 'base.qcow2', '-F', 'qcow2', 'kept.qcow2');
  write('kept.qcow2', 1, 0, 2 * MIB);
  qemuImg('snapshot', '-c', 'first, and oldest', 'kept.qcow2');
  write('kept.qcow2', 2, MIB, MIB);
  qemuImg('snapshot', '-c', '7', 'kept.qcow2');
  qemuImg('snapshot', '-c', 'twice', 'kept.qcow2');
  write('kept.qcow2', 3, 0, 4 * MIB);
  qemuImg('snapshot', '-c', 'twice', 'kept.qcow2');
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('internal snapshots', () => {
  it('are listed with the image', async () => {
    const { layers } = await openImage(at('kept.qcow2'));
    const listed = layers[0]?.snapshots?.map(({ id, name, diskSize, stateSize }) => [id, name, diskSize, stateSize]);
    expect(listed).toEqual([
      ['1', 'first, and oldest', 4 * MIB, 0],
      ['2', '7', 4 * MIB, 0],
      ['3', 'twice', 4 * MIB, 0],
      ['4', 'twice', 4 * MIB, 0],
    ]);
    const made = layers[0]?.snapshots?.[0]?.time ?? 0;
    expect(Math.abs(made - Date.now() / 1000)).toBeLessThan(600);
  });

  it('show the disk as it was, over the chain below', async () => {
    expect(await show('kept.qcow2')).toEqual([3, 3, 3, 3]);
    expect(await show('kept.qcow2', 'first, and oldest')).toEqual([1, 1, 0, 9]);
    expect(await show('kept.qcow2', '1')).toEqual([1, 1, 0, 9]);
    expect(await show('kept.qcow2', '7')).toEqual([1, 2, 0, 9]);
    expect(await show('kept.qcow2', '4')).toEqual([3, 3, 3, 3]);
  });

  it('are named by an id where a name means several, and listed where it means none', async () => {
    await expect(openImage(at('kept.qcow2'), { snapshot: 'twice' })).rejects.toMatchObject({
      code: 'usage',
      hint: 'say its id: 3, 4',
    });
    await expect(openImage(at('kept.qcow2'), { snapshot: 'none' })).rejects.toMatchObject({
      code: 'usage',
      hint: expect.stringContaining('first, and oldest (1)'),
    });
    writeFileSync(at('plain.raw'), Buffer.alloc(512));
    await expect(openImage(at('plain.raw'), { snapshot: '1' })).rejects.toMatchObject({ code: 'usage' });
  });

  it('keep the size that the disk had', async () => {
    copyFileSync(at('kept.qcow2'), at('grown.qcow2'));
    qemuImg('resize', '-f', 'qcow2', 'grown.qcow2', '6M');
    expect(await show('grown.qcow2')).toEqual([3, 3, 3, 3, 0, 0]);
    expect(await show('grown.qcow2', '7')).toEqual([1, 2, 0, 9]);
    qemuImg('create', '-f', 'qcow2', 'shrunk.qcow2', '4M');
    write('shrunk.qcow2', 5, 0, 4 * MIB);
    qemuImg('snapshot', '-c', 'large', 'shrunk.qcow2');
    try {
      qemuImg('resize', '--shrink', '-f', 'qcow2', 'shrunk.qcow2', '2M');
    } catch {
      // QEMU before 5.1 does not shrink what has snapshots.
      return;
    }
    await expect(show('shrunk.qcow2', 'large')).rejects.toMatchObject({ code: 'unsupported' });
  });

  it('whose table is damaged end in a typed error', async () => {
    const good = readFileSync(at('kept.qcow2'));
    const table = Number(good.readBigUInt64BE(64));
    const change = fc.tuple(fc.nat({ max: 300 }), fc.integer({ min: 0, max: 255 }));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const bytes = Buffer.from(good);
        for (const [offset, value] of changes) bytes[table + offset] = value;
        writeFileSync(at('mutant.qcow2'), bytes);
        const outcome = await openImage(at('mutant.qcow2'), { snapshot: '2' }).catch((error: unknown) => error);
        if (outcome instanceof Error) {
          expect(isGvmError(outcome) && ['image-corrupt', 'usage'].includes(outcome.code), String(outcome)).toBe(true);
        }
      }),
      { numRuns: 100 },
    );
    const many = Buffer.from(good);
    many.writeUInt32BE(70_000, 60);
    writeFileSync(at('many.qcow2'), many);
    await expect(openImage(at('many.qcow2'))).rejects.toMatchObject({ code: 'image-corrupt' });
  });
});

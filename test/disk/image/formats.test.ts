import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { optionTable } from '../../../src/cli/options.ts';
import { formatWords } from '../../../src/disk/image/format.ts';
import { openDisk, openImage } from '../../../src/disk/index.ts';
import { type ErrorCode, isGvmError } from '../../../src/errors/index.ts';
import { failure } from './failure.ts';

const MIB = 2 ** 20;
const folder = mkdtempSync(join(tmpdir(), 'gvm-formats-'));
const elsewhere = mkdtempSync(join(tmpdir(), 'gvm-elsewhere-'));
const at = (name: string) => join(folder, name);
const qemuImg = (...args: string[]) => execFileSync('qemu-img', args, { cwd: folder, stdio: 'pipe' }).toString();
/** Random bytes, a hole, a run that packs well, and an end that is no whole grain. */
const size = 5 * MIB + 3 * 65_536 + 1536;
const content = Buffer.alloc(size);

const made: [file: string, format: string, options: string[]][] = [
  ['one.vmdk', 'vmdk', ['subformat=monolithicSparse']],
  ['stream.vmdk', 'vmdk', ['subformat=streamOptimized']],
  ['flat.vmdk', 'vmdk', ['subformat=monolithicFlat']],
  ['parts.vmdk', 'vmdk', ['subformat=twoGbMaxExtentSparse']],
  ['flats.vmdk', 'vmdk', ['subformat=twoGbMaxExtentFlat']],
  ['zeroed.vmdk', 'vmdk', ['subformat=monolithicSparse,zeroed_grain=on']],
  ['disk.vhdx', 'vhdx', ['block_size=1M']],
  ['fixed.vhdx', 'vhdx', ['subformat=fixed']],
  ['disk.vhd', 'vpc', ['force_size=on']],
  ['geometry.vhd', 'vpc', []],
  ['fixed.vhd', 'vpc', ['subformat=fixed,force_size=on']],
  ['disk.vdi', 'vdi', []],
  ['static.vdi', 'vdi', ['static=on']],
];

beforeAll(() => {
  let seed = 1;
  const random = () => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return seed >>> 16;
  };
  for (let i = 0; i < MIB; i++) content[i] = random();
  content.fill('gvm', 3 * MIB, 4 * MIB + 70_000);
  for (let i = size - 5000; i < size; i++) content[i] = random();
  writeFileSync(at('disk.raw'), content);
  for (const [file, format, options] of made) {
    qemuImg('convert', '-f', 'raw', '-O', format, ...options.flatMap((one) => ['-o', one]), 'disk.raw', file);
  }
});

afterAll(() => {
  rmSync(folder, { recursive: true });
  rmSync(elsewhere, { recursive: true });
});

/** A copy of an image with bytes changed. */
function changed(name: string, file: string, change: (bytes: Buffer) => void): string {
  const bytes = readFileSync(at(name));
  change(bytes);
  writeFileSync(at(file), bytes);
  return at(file);
}

function openForChange(path: string) {
  const fd = openSync(path, 'r+');
  return {
    write: (bytes: Buffer, offset = 0) => void writeSync(fd, bytes, 0, bytes.length, offset),
    [Symbol.dispose]: () => closeSync(fd),
  };
}

const rewritten = (name: string, file: string, from: string | RegExp, to: string) =>
  changed(name, file, (bytes) => {
    const text = bytes.toString('latin1');
    const replaced = text.replace(from, to);
    expect(replaced).not.toBe(text);
    // A descriptor within a file keeps its place.
    const fill = Math.max(0, text.length - replaced.length);
    const end = text.indexOf('\0', text.indexOf('# Disk Desc'));
    const whole =
      replaced.length > text.length
        ? replaced.slice(0, end) + replaced.slice(end + replaced.length - text.length)
        : replaced + '\0'.repeat(fill);
    bytes.write(whole, 'latin1');
  });

it('--format takes the words that the disk room knows', () => {
  expect([...optionTable.format.choices].sort()).toEqual([...formatWords].sort());
});

describe.each(made)('%s', (file, format) => {
  it('reads as the raw disk', async () => {
    await using disk = await openDisk(at(file));
    const { source, chain } = disk;
    expect(chain?.layers[0]?.format).toBe(format);
    expect(source.size).toBe(chain?.virtualSize);
    // The footer of some VHD images says a geometry, which is rounded up.
    expect(source.size).toBeGreaterThanOrEqual(size);
    if (file !== 'geometry.vhd') expect(source.size).toBe(size);
    const whole = await source.read(0, source.size);
    expect(whole.subarray(0, size).equals(content)).toBe(true);
    expect(whole.subarray(size).every((byte) => byte === 0)).toBe(true);
    const ranges = fc
      .nat({ max: size - 1 })
      .chain((from) => fc.tuple(fc.constant(from), fc.nat({ max: Math.min(200_000, size - from) })));
    await fc.assert(
      fc.asyncProperty(ranges, async ([from, length]) => {
        expect((await source.read(from, length)).equals(content.subarray(from, from + length))).toBe(true);
      }),
      { numRuns: 40 },
    );
    let place = 0;
    for await (const { offset, length, zero } of source.extents(0, source.size)) {
      expect(offset).toBe(place);
      if (zero) expect(whole.subarray(offset, offset + length).every((byte) => byte === 0)).toBe(true);
      place += length;
    }
    expect(place).toBe(source.size);
  });

  it('is not taken for raw, nor raw for it', async () => {
    copyFileSync(at(file), at('named.img'));
    // The bytes of a fixed VHD are those of its disk: it is raw with 512 bytes more.
    if (file !== 'fixed.vhd') {
      expect(await failure(at('named.img'))).toMatchObject({ code: 'image-format', details: { found: format } });
    }
    expect((await failure(at('disk.raw'), { format })).message).toBe(
      `${at('disk.raw')} was said to be a ${format} image, but does not begin as one`,
    );
  });

  it.each([0.2, 0.6])('is found to be cut at %f', async (part) => {
    if (file === 'flat.vmdk' || file === 'flats.vmdk' || file === 'parts.vmdk') return;
    const cut = at(`cut-${file}`);
    copyFileSync(at(file), cut);
    truncateSync(cut, Math.floor((statSync(cut).size * part) / 512) * 512);
    const outcome = await openDisk(cut)
      .then(async (disk) => {
        await using opened = disk;
        return await opened.source.read(0, opened.source.size);
      })
      .catch((error: unknown) => error);
    // A fixed VHD has its mark at its end.
    expect(outcome).toMatchObject({ code: file === 'fixed.vhd' ? 'image-format' : 'image-corrupt' });
  });

  it('ends in a result or a typed error whatever its header says', async () => {
    const codes: ErrorCode[] = ['image-format', 'image-corrupt', 'image-refused', 'file-missing', 'unsupported'];
    const mutant = at(`mutant-${file}`);
    copyFileSync(at(file), mutant);
    const good = readFileSync(at(file)).subarray(0, format === 'vhdx' ? 400 * 1024 : 2048);
    using opened = openForChange(mutant);
    const change = fc.tuple(fc.nat({ max: good.length - 1 }), fc.integer({ min: 0, max: 255 }));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
        opened.write(good);
        for (const [offset, value] of changes) opened.write(Buffer.of(value), offset);
        const outcome = await openImage(mutant).catch((error: unknown) => error);
        if (outcome instanceof Error)
          expect(isGvmError(outcome) && codes.includes(outcome.code), String(outcome)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a vmdk over another', () => {
  beforeAll(() => {
    qemuImg('create', '-f', 'vmdk', '-b', 'one.vmdk', '-F', 'vmdk', 'child.vmdk');
    execFileSync('qemu-io', ['-f', 'vmdk', '-c', 'write -P 7 3584k 128k', 'child.vmdk'], { cwd: folder });
  });

  it('shows its own grains and those below', async () => {
    await using disk = await openDisk(at('child.vmdk'));
    expect(disk.chain?.layers.map(({ path }) => basename(path))).toEqual(['child.vmdk', 'one.vmdk']);
    const expected = Buffer.from(content).fill(7, 3584 * 1024, 3712 * 1024);
    expect((await disk.source.read(0, size)).equals(expected)).toBe(true);
  });

  it('is refused when what is below was changed since', async () => {
    rewritten('one.vmdk', 'altered.vmdk', /CID=\w{8}/, 'CID=01234567');
    rewritten('child.vmdk', 'orphan.vmdk', 'Hint="one.vmdk"', 'Hint="altered.vmdk"');
    expect(await failure(at('orphan.vmdk'))).toMatchObject({ code: 'image-corrupt' });
  });

  it.each(['/etc/passwd', '../../../etc/passwd', 'json:{}', 'nbd://localhost/x'])('refuses %s', async (name) => {
    const error = await failure(rewritten('child.vmdk', 'evil.vmdk', 'Hint="one.vmdk"', `Hint="${name}"`));
    expect(error).toMatchObject({ code: 'image-refused', exitCode: 2 });
    expect(error.message).toContain('as its backing file');
  });

  it('is read through qemu-nbd below a qcow2 image', async () => {
    qemuImg('create', '-f', 'qcow2', '-b', 'child.vmdk', '-F', 'vmdk', 'top.qcow2');
    await using disk = await openDisk(at('top.qcow2'));
    const expected = Buffer.from(content).fill(7, 3584 * 1024, 3712 * 1024);
    expect((await disk.source.read(0, size)).equals(expected)).toBe(true);
    qemuImg('create', '-f', 'qcow2', '-b', 'flat.vmdk', '-F', 'vmdk', 'over-flat.qcow2');
    expect(await failure(at('over-flat.qcow2'))).toMatchObject({ code: 'unsupported' });
  });
});

it('a packed grain of a vmdk may not begin in the last bytes of its file', async () => {
  const path = changed('one.vmdk', 'short-grain.vmdk', (bytes) => {
    bytes.writeUInt32LE(bytes.readUInt32LE(8) | (3 << 16), 8);
    bytes.writeUInt16LE(1, 77);
    const directory = Number(bytes.readBigUInt64LE(56)) * 512;
    bytes.writeUInt32LE(bytes.length / 512, bytes.readUInt32LE(directory) * 512);
  });
  appendFileSync(path, 'short');
  await using disk = await openDisk(path);
  await expect(disk.source.read(0, 512)).rejects.toMatchObject({ code: 'image-corrupt' });
});

describe('the descriptor of a vmdk', () => {
  it.each(['/etc/passwd', '../../../etc/passwd', 'json:{}', 'fat:/etc'])(
    'may not name %s as an extent',
    async (name) => {
      const path = rewritten('flat.vmdk', 'evil.vmdk', '"flat-flat.vmdk"', `"${name}"`);
      const error = await failure(path);
      expect(error).toMatchObject({ code: 'image-refused', exitCode: 2 });
      expect(error.message).toContain('as its extent');
    },
  );

  it('does not reach out through a link, unless it was allowed to', async () => {
    copyFileSync(at('flat-flat.vmdk'), join(elsewhere, 'far'));
    symlinkSync(join(elsewhere, 'far'), at('near'));
    const path = rewritten('flat.vmdk', 'linked.vmdk', '"flat-flat.vmdk"', '"near"');
    expect(await failure(path)).toMatchObject({ code: 'image-refused' });
    await using disk = await openDisk(path, { allow: [elsewhere] });
    expect((await disk.source.read(0, size)).equals(content)).toBe(true);
  });

  it('within a file cannot name another file', async () => {
    const twice = rewritten('one.vmdk', 'two.vmdk', '# The Disk Data Base', 'RW 8 FLAT "disk.raw" 0\n#');
    expect(await failure(twice)).toMatchObject({
      code: 'image-corrupt',
      message: expect.stringContaining('other extents'),
    });
    const flat = rewritten('one.vmdk', 'other.vmdk', /SPARSE "one.vmdk"/, 'FLAT "disk.raw" 0');
    expect(await failure(flat)).toMatchObject({ code: 'image-corrupt' });
  });

  it('is not followed where the header says that there is nothing else', async () => {
    // QEMU opens what such a descriptor names.
    const path = changed('one.vmdk', 'hollow.vmdk', (bytes) => bytes.writeBigUInt64LE(0n, 12));
    expect(await failure(path)).toMatchObject({ code: 'image-corrupt', details: { offset: 12 } });
  });

  it.each([
    [/RW (\d+) FLAT/, 'RW $1 VMFSSPARSE', 'unsupported'],
    [/RW (\d+) FLAT/, 'NOACCESS $1 FLAT', 'unsupported'],
    [/RW (\d+) FLAT/, 'RW 99999999999999999 FLAT', 'image-corrupt'],
    [/RW (\d+) FLAT/, 'RW 0 FLAT', 'image-corrupt'],
    [/RW (\d+) FLAT.*/, '', 'image-corrupt'],
    ['parentCID=ffffffff', 'parentCID=12345678', 'image-corrupt'],
    ['version=1', 'CID=1\nCID=2', 'image-corrupt'],
    ['monolithicFlat', 'monolithicSparse', 'image-corrupt'],
  ])('with %s made %s is %s', async (from, to, code) => {
    expect(await failure(rewritten('flat.vmdk', 'odd.vmdk', from, to))).toMatchObject({ code });
  });

  it('may not say more than an extent holds', async () => {
    const path = rewritten('flat.vmdk', 'long.vmdk', /RW (\d+) FLAT/, 'RW 99999999 FLAT');
    await expect(openDisk(path)).rejects.toMatchObject({ code: 'image-corrupt' });
  });
});

describe('what lies over a parent is refused by name:', () => {
  it('vhd', async () => {
    const path = changed('disk.vhd', 'diff.vhd', (bytes) => {
      bytes.writeUInt32BE(4, 60);
      bytes.writeUInt32BE(bytes.readUInt32BE(64) - 1, 64);
    });
    expect(await failure(path)).toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('differencing'),
    });
  });

  it('vdi', async () => {
    const path = changed('disk.vdi', 'diff.vdi', (bytes) => bytes.fill(1, 440, 456));
    expect(await failure(path)).toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('differencing'),
    });
  });

  it('vhdx', async () => {
    const path = changed('disk.vhdx', 'diff.vhdx', (bytes) => {
      const mark = Buffer.from('3767a1ca36fa434db3b633f0aa44e76b', 'hex');
      const entry = bytes.indexOf(mark);
      const parameters = bytes.lastIndexOf('metadata', entry) + bytes.readUInt32LE(entry + 16);
      bytes.writeUInt32LE(2, parameters + 4);
    });
    expect(await failure(path)).toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('differencing'),
    });
  });
});

import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCpio } from '../../../src/disk/codec/cpio-read.ts';
import { writeCpio } from '../../../src/disk/codec/cpio-write.ts';
import { isTyped } from '../mutate.ts';

const folder = mkdtempSync(join(tmpdir(), 'gvm-cpio-'));
let archive: Buffer;
beforeAll(() => {
  mkdirSync(join(folder, 'dir'));
  writeFileSync(join(folder, 'dir/file'), 'content');
  linkSync(join(folder, 'dir/file'), join(folder, 'dir/again'));
  symlinkSync('dir/file', join(folder, 'link'));
  writeFileSync(join(folder, 'large'), Buffer.alloc(100_000, 'large '));
  archive = written('newc');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const written = (form: string) => {
  const input = execFileSync('find', ['.', '-mindepth', '1'], { cwd: folder });
  return execFileSync('cpio', ['-o', '-H', form, '--quiet'], { cwd: folder, input, maxBuffer: 2 ** 24 });
};
const names = (bytes: Uint8Array) => [...readCpio(bytes)].map(({ path }) => path.toString()).sort();
const pack = (tool: string, ...args: string[]) =>
  execFileSync(tool, [...args, '-c'], { input: archive, maxBuffer: 2 ** 24, stdio: ['pipe', 'pipe', 'ignore'] });

describe('cpio', () => {
  it('gives the members that cpio wrote', () => {
    const listed = execFileSync('cpio', ['-t', '--quiet'], { input: archive, encoding: 'utf8' }).trim().split('\n');
    expect(names(archive)).toEqual(listed.sort());
    const members = new Map([...readCpio(archive)].map((member) => [member.path.toString(), member]));
    expect(members.get('large')?.data.equals(Buffer.alloc(100_000, 'large '))).toBe(true);
    expect(members.get('link')?.data.toString()).toBe('dir/file');
    expect(members.get('dir/file')?.ino).toBe(members.get('dir/again')?.ino);
    expect(Number(members.get('dir')?.mode) & 0o170000).toBe(0o040000);
  });

  it('refuses content that is not what the checksum of the crc form is of', () => {
    const summed = written('crc');
    expect(names(summed)).toEqual(names(archive));
    summed.write('x', summed.indexOf('large large') + 50_000, 'latin1');
    expect(() => names(summed)).toThrow('the checksum of the content is wrong');
  });

  it.each([
    ['gzip', () => pack('gzip')],
    ['xz', () => pack('xz', '--check=crc32')],
    ['zstd', () => pack('zstd', '-q')],
    ['lzma', () => pack('xz', '--format=lzma')],
    ['lz4', () => pack('lz4', '-l')],
  ])('is read where it is compressed by %s, also behind a plain one', (_, compress) => {
    const early = writeCpio([{ path: 'early', kind: 'file', bytes: Buffer.from('microcode') }], { mtime: 1 });
    const padded = Buffer.concat([early, Buffer.alloc(512 - (early.length % 512)), compress()]);
    expect(names(padded)).toEqual([...names(archive), 'early'].sort());
  });

  it('names a compression that is not read, and what is none', () => {
    expect(() => names(Buffer.from('BZh91AY'))).toThrow('gvm does not read bzip2 compression');
    expect(() => names(Buffer.from('nonsense'))).toThrow('neither an archive nor a compressed one');
    expect(() => names(archive.subarray(0, 5000))).toThrow(/cpio/);
  });

  it('ends in members or a typed error whatever it holds', () => {
    const edit = fc.tuple(fc.nat({ max: 1500 }), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 5 }), (edits) => {
        const bytes = Buffer.from(archive);
        for (const [at, value] of edits) bytes[at] = value;
        try {
          names(bytes);
        } catch (error) {
          if (!isTyped(error)) throw error;
        }
      }),
      { numRuns: 300 },
    );
  });
});

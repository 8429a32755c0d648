// Takes the ELF kernel out of an x86 bzImage.
// Specification: Documentation/arch/x86/boot.rst of Linux (payload_offset), the Xen PVH start note.
// Not read: payloads packed with zstd, lz4, lzo, bzip2; kernels of other architectures.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { run } from '../process/index.ts';

/**
 * Writes the unpacked kernel of a bzImage to `target`, where QEMU can start it as it is (by its PVH entry). Unpacking
 * inside an emulated guest takes four seconds; on the host it takes one, once.
 * @returns false where the kernel is packed in another way or has no such entry: then the bzImage itself is booted.
 */
export async function unpackKernel(bzImage: string, target: string, signal?: AbortSignal): Promise<boolean> {
  const payload = kernelPayload(await readFile(bzImage));
  if (!payload) return false;
  if (payload.kind === 'gzip') await writeFile(target, gunzipSync(payload.bytes));
  else {
    const packed = `${target}.xz`;
    await writeFile(packed, payload.bytes);
    await run('xz', ['--decompress', '--force', packed], signal ? { signal } : {});
  }
  if (hasPvhEntry(await readFile(target))) return true;
  await rm(target);
  return false;
}

/** The packed kernel inside a bzImage; undefined where the header or the packing is not known. */
export function kernelPayload(image: Buffer): { kind: 'xz' | 'gzip'; bytes: Buffer } | undefined {
  if (image.length < 0x264 || image.toString('latin1', 0x202, 0x206) !== 'HdrS') return undefined;
  const start = ((image[0x1f1] || 4) + 1) * 512 + image.readUInt32LE(0x248);
  const length = image.readUInt32LE(0x24c);
  // The last four bytes are the unpacked size, which the build appends to what the packer wrote.
  const bytes = image.subarray(start, start + length - 4);
  if (start + length > image.length || bytes.length < 6) return undefined;
  if (bytes.toString('hex', 0, 6) === 'fd377a585a00') return { kind: 'xz', bytes };
  if (bytes.toString('hex', 0, 2) === '1f8b') return { kind: 'gzip', bytes: image.subarray(start, start + length) };
  return undefined;
}

const PT_NOTE = 4;
const XEN_ELFNOTE_PHYS32_ENTRY = 18;
const MAX_HEADERS = 64;

/** Whether a 64-bit ELF kernel carries the note that names its PVH entry. */
export function hasPvhEntry(elf: Buffer): boolean {
  if (elf.length < 64 || elf.toString('latin1', 0, 4) !== '\x7fELF' || elf[4] !== 2) return false;
  const table = Number(elf.readBigUInt64LE(32));
  const [size, count] = [elf.readUInt16LE(54), Math.min(elf.readUInt16LE(56), MAX_HEADERS)];
  for (let index = 0; index < count; index++) {
    const at = table + index * size;
    if (at + 56 > elf.length) return false;
    if (elf.readUInt32LE(at) !== PT_NOTE) continue;
    const start = Number(elf.readBigUInt64LE(at + 8));
    const end = Math.min(start + Number(elf.readBigUInt64LE(at + 32)), elf.length);
    for (let note = start; note + 12 <= end; ) {
      const [name, value] = [elf.readUInt32LE(note), elf.readUInt32LE(note + 4)];
      const isXen = elf.toString('latin1', note + 12, note + 16) === 'Xen\0';
      if (isXen && elf.readUInt32LE(note + 8) === XEN_ELFNOTE_PHYS32_ENTRY) return true;
      note += 12 + Math.ceil(name / 4) * 4 + Math.ceil(value / 4) * 4;
    }
  }
  return false;
}

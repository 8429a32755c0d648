// Recognises what a volume holds by its mark, to name what gvm does not read.
// Specification: file(1)'s and blkid(8)'s tables, each mark by the format's own documents.
import type { BlockSource } from './source/source.ts';

const marks: readonly { name: string; at: number; bytes: Buffer }[] = [
  { name: 'swap', at: 4086, bytes: Buffer.from('SWAPSPACE2') },
  { name: 'luks', at: 0, bytes: Buffer.from('LUKS\xba\xbe', 'latin1') },
  ...[0, 512, 1024, 1536].map((at) => ({ name: 'lvm2', at, bytes: Buffer.from('LABELONE') })),
  { name: 'ntfs', at: 3, bytes: Buffer.from('NTFS    ') },
  { name: 'exfat', at: 3, bytes: Buffer.from('EXFAT   ') },
  { name: 'erofs', at: 1024, bytes: Buffer.from('e2e1f5e0', 'hex') },
  { name: 'f2fs', at: 1024, bytes: Buffer.from('1020f5f2', 'hex') },
  { name: 'mdraid', at: 0, bytes: Buffer.from('fc4e2ba9', 'hex') },
  { name: 'mdraid', at: 4096, bytes: Buffer.from('fc4e2ba9', 'hex') },
];

/** What a source holds by its mark; undefined for what gvm does not know. */
export async function contentOfSource(source: BlockSource, signal?: AbortSignal): Promise<string | undefined> {
  for (const { name, at, bytes } of marks) {
    if (at + bytes.length > source.size) continue;
    if ((await source.read(at, bytes.length, signal)).equals(bytes)) return name;
  }
  return undefined;
}

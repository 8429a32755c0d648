import { expect } from 'vitest';
import { type Layout, openTree } from '../../../src/disk/index.ts';
import { readPartitionTable } from '../../../src/disk/partition/table.ts';
import { MemorySource } from '../../../src/disk/source/memory.ts';

/** The note in the small file system of a fixture, whose other files must be what they are known to be. */
export async function contentOfTiny(layout: Layout, volume: string): Promise<string> {
  const { vfs } = await openTree(layout, volume);
  for (const digit of ['1', '2', '3']) {
    const bytes = await vfs.readFile(`/${digit}`);
    expect(bytes.equals(Buffer.from(digit.repeat(20_000)))).toBe(true);
  }
  return (await vfs.readFile('/name')).toString();
}

/** Where the partitions of a fixture lie, in bytes. */
export async function partsOf(bytes: Buffer): Promise<{ start: number; end: number }[]> {
  const table = await readPartitionTable(new MemorySource(bytes));
  return (table?.partitions ?? []).map(({ start, size }) => ({ start, end: start + size }));
}

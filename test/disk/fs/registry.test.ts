import { expect, it } from 'vitest';
import { openFileSystem } from '../../../src/disk/fs/registry.ts';
import { MemorySource } from '../../../src/disk/source/memory.ts';

it('knows no file system in what is none', async () => {
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(600), Buffer.alloc(100_000, 0x55)]) {
    expect(await openFileSystem(new MemorySource(bytes))).toBeUndefined();
  }
});

it('opens what carries the mark of one, or says what is wrong', async () => {
  const bytes = Buffer.alloc(2 ** 20);
  bytes.writeUInt16LE(0xef53, 1024 + 56);
  await expect(openFileSystem(new MemorySource(bytes))).rejects.toMatchObject({ code: 'corrupt' });
});

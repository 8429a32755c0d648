import type { FsNode } from '../fs/file-system.ts';
import { corrupt } from '../trouble.ts';
import { type BlockSource, checkRange, type Extent } from './source.ts';

/** The content of a regular file as a disk of its own: an image within an image. */
export class NodeSource implements BlockSource {
  readonly size: number;
  readonly #node: FsNode;

  constructor(node: FsNode) {
    this.#node = node;
    this.size = node.stat.size;
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    checkRange(this, offset, length);
    const bytes = await this.#node.read(offset, length, signal);
    if (bytes.length === length) return bytes;
    throw corrupt('image file', offset, `inode ${this.#node.stat.ino} ends before its size ${this.size}`);
  }

  async *extents(offset: number, length: number, signal?: AbortSignal): AsyncGenerator<Extent> {
    checkRange(this, offset, length);
    const end = offset + length;
    for await (const extent of this.#node.extents(signal)) {
      const [from, to] = [Math.max(offset, extent.offset), Math.min(end, extent.offset + extent.length)];
      if (from >= to) continue;
      const zero = extent.kind === 'hole' || extent.kind === 'unwritten';
      yield { offset: from, length: to - from, zero, hole: extent.kind === 'hole' };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

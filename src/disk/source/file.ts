import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { GvmError } from '../../errors/index.ts';
import { corrupt } from '../trouble.ts';
import { type BlockSource, checkRange, type Extent } from './source.ts';

/** A raw image file, read directly: each byte of the file is one of the disk. */
export class FileSource implements BlockSource {
  readonly size: number;
  readonly #handle: FileHandle;
  readonly #path: string;

  private constructor(path: string, handle: FileHandle, size: number) {
    this.#path = path;
    this.#handle = handle;
    this.size = size;
  }

  /** Opens a regular file for reading. @throws GvmError `image-refused` for anything else; system errors for the rest */
  static async open(path: string): Promise<FileSource> {
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = await handle.stat();
      if (!stat.isFile()) {
        throw new GvmError({ code: 'image-refused', message: `${path} is not a regular file`, details: { path } });
      }
      return new FileSource(path, handle, stat.size);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    signal?.throwIfAborted();
    checkRange(this, offset, length);
    const buffer = Buffer.allocUnsafeSlow(length);
    for (let filled = 0; filled < length; ) {
      const { bytesRead } = await this.#handle.read(buffer, filled, length - filled, offset + filled);
      if (bytesRead === 0)
        throw corrupt('image file', offset + filled, `${this.#path} became shorter while it was read`);
      filled += bytesRead;
    }
    return buffer;
  }

  /** Node has no SEEK_HOLE, so nothing is known of a file without reading it. */
  async *extents(offset: number, length: number): AsyncGenerator<Extent> {
    checkRange(this, offset, length);
    if (length > 0) yield { offset, length, zero: false, hole: false };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}

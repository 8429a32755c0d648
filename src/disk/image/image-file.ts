import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { GvmError } from '../../errors/index.ts';

/** An image file that is read in bounded pieces. Every structure that lies outside of it is `image-corrupt`. */
export class ImageFile implements AsyncDisposable {
  readonly path: string;
  readonly size: number;
  readonly #handle: FileHandle;

  private constructor(path: string, size: number, handle: FileHandle) {
    this.path = path;
    this.size = size;
    this.#handle = handle;
  }

  /** Opens a regular file. @throws GvmError `image-refused` for anything else; system errors for the rest. */
  static async open(path: string): Promise<ImageFile> {
    // Without O_NONBLOCK the opening of a named pipe would wait for its other end.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = await handle.stat();
      if (!stat.isFile()) {
        throw new GvmError({
          code: 'image-refused',
          message: `${path}: an image must be a regular file, and this is ${stat.isDirectory() ? 'a folder' : 'a device or pipe'}`,
          details: { path },
        });
      }
      return new ImageFile(path, stat.size, handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** At most `length` bytes from the beginning. */
  async head(length: number): Promise<Buffer> {
    return this.#read(0, Math.min(length, this.size));
  }

  /** Exactly `length` bytes. @throws GvmError `image-corrupt` when they reach beyond the end of the file. */
  async read(offset: number, length: number, structure: string): Promise<Buffer> {
    if (offset + length > this.size) throw this.beyond(structure, offset, length);
    const bytes = await this.#read(offset, length);
    if (bytes.length < length) throw this.beyond(structure, offset, length);
    return bytes;
  }

  /** The error for a structure that lies beyond the end. */
  beyond(structure: string, offset: number, length: number): GvmError {
    return this.corrupt(
      structure,
      offset,
      `${structure} at offset ${offset} needs ${length} bytes, but the file ends at ${this.size}: it is truncated`,
    );
  }

  corrupt(structure: string, offset: number, what: string): GvmError {
    return new GvmError({
      code: 'image-corrupt',
      message: `${this.path}: ${what}`,
      hint: 'fetch or build the image again; `qemu-img check` says more',
      details: { path: this.path, structure, offset },
    });
  }

  async #read(offset: number, length: number): Promise<Buffer> {
    const buffer = Buffer.alloc(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await this.#handle.read(buffer, filled, length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}

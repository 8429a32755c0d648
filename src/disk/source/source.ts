import { corrupt } from '../trouble.ts';

/** A run of bytes of a block source and what is known of it without reading. */
export interface Extent {
  offset: number;
  length: number;
  /** Reads as zeros. False also where nothing is known. */
  zero: boolean;
  /** Takes no room in the image. */
  hole: boolean;
}

/**
 * Bytes of a disk, however they are reached. Everything above (partitions, volumes, file systems) reads through this
 * and nothing else.
 */
export interface BlockSource extends AsyncDisposable {
  /** Bytes. */
  readonly size: number;
  /**
   * Exactly `length` bytes from `offset`. The buffer may be shared and must not be written to.
   * @throws GvmError `corrupt` when they reach beyond the end; the signal's reason when aborted
   */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer>;
  /** What is known of a range, in order and without gaps; neighbours may be alike. */
  extents(offset: number, length: number, signal?: AbortSignal): AsyncIterable<Extent>;
}

/** @throws GvmError `corrupt` when a range does not lie within a source */
export function checkRange(source: { size: number }, offset: number, length: number, structure = 'disk'): void {
  if (Number.isSafeInteger(offset) && offset >= 0 && length >= 0 && offset + length <= source.size) return;
  throw corrupt(structure, offset, `${length} bytes are needed, but the disk ends at ${source.size}`);
}

import type { BlockSource } from '../../../src/disk/source/source.ts';

export type Place = [offset: number, length: number];

export class Pages implements BlockSource {
  readonly size: number;
  /** What was changed: the page's number and its bytes. */
  changed: Map<number, Buffer>;
  constructor(image: { size: number; pages: Map<number, Uint8Array> });
  bytes(offset: number, length: number): Buffer;
  write(offset: number, bytes: Uint8Array): void;
  read: BlockSource['read'];
  extents: BlockSource['extents'];
  [Symbol.asyncDispose](): Promise<void>;
}

/** @returns whether checksums shall be made right again */
export function mutate(disk: Pages, places: readonly Place[], seed: number): boolean;

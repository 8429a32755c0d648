import type { BlockSource } from '../../../src/disk/source/source.ts';

export type Place = [offset: number, length: number];

export class Pages implements BlockSource {
  size: number;
  /** What was changed: the page's number and its bytes. */
  changed: Map<number, Buffer>;
  constructor(image: { size: number; pages: Map<number, Uint8Array> });
  numbers(): number[];
  bytes(offset: number, length: number): Buffer;
  write(offset: number, bytes: Uint8Array): void;
  restore(): void;
  sound(): Pages;
  note(offset: number, length: number): void;
  read: BlockSource['read'];
  extents: BlockSource['extents'];
  [Symbol.asyncDispose](): Promise<void>;
}

/** @returns whether checksums shall be made right again */
export function mutate(disk: Pages, places: readonly Place[], seed: number): boolean;

export function cut(disk: Pages, places: readonly Place[], seed: number): void;

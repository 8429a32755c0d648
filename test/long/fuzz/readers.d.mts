import type { Pages, Place } from './pages.mjs';

export type Reader = (disk: Pages) => Promise<unknown>;

export function readersIn(folder: string): Record<string, Reader> & { fileSystem: Reader };
export function placesOf(disk: Pages, kind: string, read: Reader): Promise<Place[]>;

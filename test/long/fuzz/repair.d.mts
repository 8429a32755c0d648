import type { Pages, Place } from './pages.mjs';

export const repairs: Record<string, (disk: Pages, places: readonly Place[]) => Promise<void>>;

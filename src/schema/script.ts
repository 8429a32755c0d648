import type { z } from 'zod';
import { baseSuite } from './suite.ts';

/** What a suite in TypeScript says of itself: the keys of a YAML suite that need no list of tests. */
export const scriptSchema = baseSuite.omit({ vars: true, needs: true });

/** As it is written, before sizes and durations are converted. */
export type SuiteKeys = z.input<typeof scriptSchema>;

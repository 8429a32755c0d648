import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';

/** Rooms whose tests hold them against real tools and shells: mkfs, qemu-nbd, an SSH server, busybox. */
const TOOLS = ['disk', 'facts', 'guest', 'image', 'inspect', 'lab/checkpoint'].map((room) => `test/${room}/**`);

/**
 * The tests of gvm itself. `unit` is quick; `tools` boots nothing either, but starts thousands of processes; `e2e` and
 * `long` boot guests, `long` one file at a time.
 */
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/long/**', ...TOOLS],
          // Half of the time would go into loading the same modules for each file.
          isolate: false,
          // Not what a test takes, but what it may take on a busy host.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'tools',
          include: TOOLS.map((folder) => `${folder}/*.test.ts`),
          isolate: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: 'long',
          include: ['test/long/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 3_600_000,
          hookTimeout: 3_600_000,
        },
      },
    ],
  },
});

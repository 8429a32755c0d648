// No source file over 400 lines: what has grown beyond wants a room of its own.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const LIMIT = 400;
const root = new URL('..', import.meta.url).pathname;
let failed = false;
for (const folder of ['src', 'test', 'ci', 'bench']) {
  let entries = [];
  try {
    entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
  } catch {
    continue;
  }
  for (const entry of entries) {
    if (!entry.isFile() || !/\.(ts|mjs)$/.test(entry.name)) continue;
    const path = join(entry.parentPath ?? entry.path, entry.name);
    const lines = readFileSync(path, 'utf8').split('\n').length;
    if (lines <= LIMIT) continue;
    console.error(`${path.slice(root.length)}: ${lines} lines, at most ${LIMIT}`);
    failed = true;
  }
}
process.exit(failed ? 1 : 0);

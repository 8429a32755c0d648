// Puts each room that commands over disks load into one file for each of its doors: to find and link the files of a
// room one by one takes Node longer than most of these commands work. The parts stay beside it, for tests of the parts.
import { readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { rolldown } from 'rolldown';

/** No file of theirs may ask where it lies. */
const ROOMS = ['core', 'errors', 'process', 'disk', 'facts', 'inspect'];

/**
 * @param {string} dist the compiler's output
 */
export async function bundleRooms(dist) {
  /** @type {Record<string, string[]>} */
  const doors = JSON.parse(readFileSync('src/rooms.json', 'utf8')).doors;
  for (const room of ROOMS) {
    const folder = resolve(dist, room);
    const bundle = await rolldown({
      input: ['index', ...(doors[room] ?? [])].map((door) => `${folder}/${door}.js`),
      platform: 'node',
      preserveEntrySignatures: 'strict',
      plugins: [{ name: 'rooms', resolveId: (id, from) => (from ? beyond(folder, id, from) : undefined) }],
    });
    await bundle.write({ dir: folder, chunkFileNames: 'parts-[hash].js' });
    await bundle.close();
  }
}

/** What is not of a room stays an import of its own, as the room's folder sees it. */
function beyond(/** @type {string} */ folder, /** @type {string} */ id, /** @type {string} */ from) {
  if (!id.startsWith('.')) return { id, external: true };
  const target = resolve(dirname(from), id);
  return target.startsWith(`${folder}/`) ? undefined : { id: relative(folder, target), external: true };
}

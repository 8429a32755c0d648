// Checks who imports whom in src/ against the table in src/rooms.json: rooms meet through their index.ts, or through a
// door of the table where a command must start quickly, and a package that a room owns (vitest, ssh2, …) is imported
// nowhere else.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';

/** @typedef {{ free: string[], doors: Record<string, string[]>, rooms: Record<string, { imports: string[], never?: string[] }>, packages: Record<string, string[]> }} Table */

/**
 * All violations below a `src` folder, one line each.
 * @param {string} src
 * @returns {string[]}
 */
export function findViolations(src) {
  /** @type {Table} */
  const table = JSON.parse(readFileSync(join(src, 'rooms.json'), 'utf8'));
  const violations = [];
  for (const file of sources(src)) {
    const room = roomOf(file);
    if (room !== undefined && !table.rooms[room]) {
      violations.push(`${file}: the room ${room} has no row in rooms.json`);
      continue;
    }
    for (const specifier of importsOf(join(src, file))) {
      const problem = judge(table, file, room, specifier);
      if (problem) violations.push(`${file}: imports ${specifier}: ${problem}`);
    }
  }
  return violations;
}

/** @param {string} src */
function sources(src) {
  return readdirSync(src, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(src, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

/** Static, dynamic and type imports, and re-exports, of a file. @param {string} path */
function importsOf(path) {
  return ts.preProcessFile(readFileSync(path, 'utf8'), true, true).importedFiles.map((file) => file.fileName);
}

/** @param {string} file */
function roomOf(file) {
  return file.includes('/') ? file.split('/')[0] : undefined;
}

/**
 * @param {Table} table @param {string} file @param {string | undefined} room @param {string} specifier
 * @returns {string | undefined}
 */
function judge(table, file, room, specifier) {
  if (!specifier.startsWith('.')) {
    const name = specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/');
    const owners = table.packages[name];
    if (owners && (room === undefined || !owners.includes(room))) return `only ${owners.join(', ')} may import ${name}`;
    return undefined;
  }
  const target = normalize(join(dirname(file), specifier));
  if (target.startsWith('..')) return 'it lies outside src';
  const other = roomOf(target);
  if (other === room || room === undefined) return undefined;
  if (other === undefined) return 'a room does not import the entry files';
  const doors = ['index', ...(table.doors[other] ?? [])];
  if (!doors.some((door) => target === `${other}/${door}.ts`)) return `a room is imported through its index.ts`;
  const row = table.rooms[room] ?? { imports: [] };
  if (row.never?.includes(other)) return `the row of ${room} excludes ${other}`;
  if (row.imports.includes('*') || row.imports.includes(other)) return undefined;
  const late = !['core', 'errors', 'schema'].includes(room);
  if (late && table.free.includes(other)) return undefined;
  return `the row of ${room} does not name ${other}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const violations = findViolations(new URL('../src', import.meta.url).pathname);
  for (const line of violations) console.error(line);
  process.exit(violations.length === 0 ? 0 : 1);
}

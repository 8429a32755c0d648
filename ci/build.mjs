// Builds dist/ from src/: the compiler's output, data files, JSON Schemas. Quick when nothing changed. With --parts rooms
// are not bundled, so that coverage is told by the files of the source.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { bundleRooms } from './bundle.mjs';

process.chdir(new URL('..', import.meta.url).pathname);

const files = readdirSync('src', { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative('.', join(entry.parentPath ?? entry.path, entry.name)))
  .sort();

const parts = process.argv.includes('--parts');
const hash = createHash('sha256').update(String(parts));
for (const file of [
  ...files,
  'tsconfig.json',
  'tsconfig.build.json',
  'package-lock.json',
  'ci/build.mjs',
  'ci/bundle.mjs',
]) {
  hash.update(`${file}\0`).update(readFileSync(file));
}
const digest = hash.digest('hex');
const stamp = 'dist/.digest';
if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) process.exit(0);

console.error('build: compiling src/ to dist/');
// Made aside and moved into place, so that a gvm that runs meanwhile keeps its files until the last moment.
const made = 'dist.new';
rmSync(made, { recursive: true, force: true });
const tsc = spawnSync(
  process.execPath,
  ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', made],
  {
    stdio: 'inherit',
  },
);
if (tsc.status !== 0) process.exit(tsc.status ?? 1);
for (const file of files.filter((name) => !name.endsWith('.ts'))) {
  const target = file.replace(/^src/, made);
  mkdirSync(dirname(target), { recursive: true });
  cpSync(file, target);
}
chmodSync(`${made}/cli.js`, 0o755);

mkdirSync(`${made}/schemas`, { recursive: true });
const { emitSchema, schemaNames } = await import(`../${made}/cli/schemas.js`);
for (const name of schemaNames()) {
  writeFileSync(`${made}/schemas/${name}.json`, `${JSON.stringify(emitSchema(name), null, 2)}\n`);
}
if (!parts) await bundleRooms(made);
writeFileSync(`${made}/.digest`, digest);
if (existsSync('dist')) renameSync('dist', 'dist.old');
renameSync(made, 'dist');
rmSync('dist.old', { recursive: true, force: true });

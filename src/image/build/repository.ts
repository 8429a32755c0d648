import { createHash } from 'node:crypto';
import { copyFile, mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../process/index.ts';
import type { PackageList } from '../../schema/index.ts';
import { cachePath } from './apt.ts';
import type { BuildContext } from './events.ts';

/**
 * Lays the root packages of a list out as a Debian archive of one folder, so that every way of building takes exactly
 * these from the same place. Returns its line for sources.list.
 */
export async function writeRepository(folder: string, list: PackageList, context: BuildContext): Promise<string> {
  await mkdir(folder, { recursive: true });
  const stanzas: string[] = [];
  for (const entry of list.packages.filter((p) => p.role === 'root')) {
    const cached = cachePath(context, entry);
    const file = `${entry.sha256}.deb`;
    await copyFile(cached, join(folder, file));
    const { stdout } = await run('dpkg-deb', ['--field', cached]);
    const { size } = await stat(cached);
    stanzas.push(`${stdout.trimEnd()}\nFilename: ./${file}\nSize: ${size}\nSHA256: ${entry.sha256}\n`);
  }
  const packages = stanzas.join('\n');
  await writeFile(join(folder, 'Packages'), packages);
  const digest = createHash('sha256').update(packages).digest('hex');
  const release = [
    `Suite: ${list.suite}`,
    `Codename: ${list.suite}`,
    `Date: ${new Date(list.sourceDateEpoch * 1000).toUTCString()}`,
    'Architectures: amd64',
    `SHA256:\n ${digest} ${Buffer.byteLength(packages)} Packages\n`,
  ];
  await writeFile(join(folder, 'Release'), release.join('\n'));
  return `deb [trusted=yes] copy:${folder} ./`;
}

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { GvmError } from '../../errors/index.ts';
import { run } from '../../process/index.ts';
import type { PackageList, Recipe, RecordedPackage } from '../../schema/index.ts';
import type { BuildContext } from './events.ts';
import { grubBiosPackages } from './grub-bios.ts';

const DOWNLOAD_MS = 900_000;

/**
 * Resolves the packages of a recipe with the machine's own apt set-up, in folders of our own, and downloads them into
 * the cache. Needs no root and changes nothing of the machine.
 * @throws GvmError `image-build` where apt knows no such suite or package
 */
export async function resolvePackages(recipe: Recipe, epoch: number, context: BuildContext): Promise<PackageList> {
  const apt = await openApt(archiveOf(recipe), context);
  const { suite, packages, kernel } = recipe.source.debian;
  await apt.get(['install', '--yes', '--download-only', '?essential', ...packages]);
  const root = await collect(apt.archives, 'root', context);
  const kernelPackage = await apt.concrete(kernel.package);
  await apt.download(kernelPackage);
  const others = await collect(apt.extra, 'kernel', context);
  const grub = recipe.boot.grub ? [recipe.boot.grub.package] : [];
  for (const name of [...grub, ...(recipe.disk.biosBoot ? grubBiosPackages : [])]) {
    await apt.download(name);
    others.push(...(await collect(apt.extra, 'loader', context)));
  }
  const all = [...root, ...others].sort((a, b) => (a.role + a.name < b.role + b.name ? -1 : 1));
  return { suite, sourceDateEpoch: epoch, packages: all };
}

/** Sees to it that every package of a recorded list is in the cache. @throws GvmError `image-build` */
export async function fetchRecorded(recipe: Recipe, list: PackageList, context: BuildContext): Promise<void> {
  const missing: RecordedPackage[] = [];
  for (const entry of list.packages) {
    const known = await stat(cachePath(context, entry)).catch(() => undefined);
    if (!known) missing.push(entry);
  }
  if (missing.length === 0) return;
  const apt = await openApt(archiveOf(recipe), context);
  for (const entry of missing) {
    await apt.download(`${entry.name}=${entry.version}`);
    const [got] = await collect(apt.extra, entry.role, context);
    if (got?.sha256 !== entry.sha256) {
      throw new GvmError({
        code: 'image-build',
        message: `package ${entry.name} ${entry.version}: expected SHA-256 ${entry.sha256}, got ${got?.sha256 ?? 'nothing'}`,
        hint: 'the archive no longer has the package that the list records: build without --packages',
      });
    }
  }
}

/** Where the cache has a package. */
export function cachePath(context: BuildContext, entry: { sha256: string }): string {
  return join(context.packageCache, `${entry.sha256}.deb`);
}

interface Apt {
  archives: string;
  extra: string;
  get(args: readonly string[]): Promise<void>;
  download(name: string): Promise<void>;
  /** The package that a meta package stands for. */
  concrete(name: string): Promise<string>;
}

/** Where packages come from. */
export interface Archive {
  suite: string;
  /** Of the machine's own sources where it is left out. */
  mirror?: string | undefined;
  /** Debian's name of the architecture. */
  arch: 'amd64' | 'arm64';
  /** What wants them, for messages. */
  for: string;
}

const archiveOf = ({ name, source }: Recipe): Archive => ({
  ...{ suite: source.debian.suite, mirror: source.debian.mirror, arch: 'amd64', for: `the image ${name}` },
});

/**
 * Downloads packages into the cache, each alone; a meta package of a kernel stands for the one it depends on.
 * @throws GvmError `image-build` where apt knows no such suite, `tool-failed` where it knows no such package
 */
export async function fetchPackages(
  names: readonly string[],
  archive: Archive,
  context: BuildContext,
): Promise<{ name: string; version: string; file: string }[]> {
  const apt = await openApt(archive, context);
  const found: { name: string; version: string; file: string }[] = [];
  for (const name of names) {
    await apt.download(await apt.concrete(name));
    for (const entry of await collect(apt.extra, 'root', context)) {
      found.push({ name: entry.name, version: entry.version, file: cachePath(context, entry) });
    }
  }
  return found;
}

async function openApt(archive: Archive, context: BuildContext): Promise<Apt> {
  const { suite, mirror } = archive;
  const base = join(context.work, 'apt');
  const [archives, extra] = [join(base, 'archives'), join(base, 'extra')];
  for (const folder of [join(archives, 'partial'), join(base, 'lists', 'partial'), extra]) {
    await mkdir(folder, { recursive: true });
  }
  await writeFile(join(base, 'status'), '');
  const pins = [suite, `${suite}-updates`, `${suite}-security`].map(
    (codename) => `Package: *\nPin: release n=${codename}\nPin-Priority: 990\n`,
  );
  await writeFile(join(base, 'preferences'), [...pins, 'Package: *\nPin: release *\nPin-Priority: -10\n'].join('\n'));
  const settings = {
    'Dir::State': base,
    'Dir::State::lists': join(base, 'lists'),
    'Dir::State::status': join(base, 'status'),
    'Dir::Cache': base,
    'Dir::Cache::archives': archives,
    'Dir::Etc::preferences': join(base, 'preferences'),
    'Dir::Etc::preferencesparts': '/dev/null',
    'Dir::Log': base,
    'APT::Sandbox::User': 'root',
    'APT::Architecture': archive.arch,
    'APT::Install-Recommends': 'false',
    'Acquire::Languages': 'none',
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key} "${value}";`);
  // The host's own hooks are for the host's own system.
  lines.push(
    '#clear APT::Architectures;',
    '#clear APT::Update::Post-Invoke;',
    '#clear APT::Update::Post-Invoke-Success;',
  );
  lines.push('#clear DPkg::Post-Invoke;', '#clear DPkg::Pre-Install-Pkgs;');
  if (mirror) {
    await writeFile(join(base, 'sources.list'), `deb ${mirror} ${suite} main\ndeb ${mirror} ${suite}-updates main\n`);
    lines.push(`Dir::Etc::sourcelist "${join(base, 'sources.list')}";`, 'Dir::Etc::sourceparts "/dev/null";');
  }
  const config = join(base, 'apt.conf');
  await writeFile(config, `${lines.join('\n')}\n`);
  const options = {
    env: { LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' },
    timeout: DOWNLOAD_MS,
    onLine: (line: string) => context.onEvent({ type: 'output', line }),
    ...(context.signal ? { signal: context.signal } : {}),
  };
  const get = async (args: readonly string[], cwd = base) => {
    await run('apt-get', ['-c', config, '-qq', ...args], { ...options, cwd });
  };
  await get(['update']);
  const targets = await run('apt-get', ['-c', config, 'indextargets', '--format', '$(CODENAME)'], options);
  if (!targets.stdout.split('\n').includes(suite)) {
    throw new GvmError({
      code: 'image-build',
      message: `this machine's apt knows no suite ${suite}, from which ${archive.for} is made`,
      hint: 'give source.debian.mirror in the recipe, or add the suite to the apt sources of this machine',
    });
  }
  return {
    archives,
    extra,
    get,
    download: (name) => get(['download', name], extra),
    concrete: async (name) => {
      const { stdout } = await run('apt-cache', ['-c', config, 'depends', '--no-recommends', name], options);
      return /^ +Depends: (linux-image-\d\S*)$/m.exec(stdout)?.[1] ?? name;
    },
  };
}

/** Moves the packages of a folder into the cache and describes them, sorted by name. */
async function collect(
  folder: string,
  role: RecordedPackage['role'],
  context: BuildContext,
): Promise<RecordedPackage[]> {
  await mkdir(context.packageCache, { recursive: true });
  const found: RecordedPackage[] = [];
  for (const file of (await readdir(folder)).filter((f) => f.endsWith('.deb')).sort()) {
    const path = join(folder, file);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the format of dpkg-deb is written so.
    const { stdout } = await run('dpkg-deb', ['--show', '--showformat', '${Package} ${Version} ${Architecture}', path]);
    const [name = '', version = '', arch = ''] = stdout.split(' ');
    const entry = { name, version, arch, sha256: await sha256OfFile(path), role };
    const temporary = `${cachePath(context, entry)}.${process.pid}`;
    await copyFile(path, temporary);
    await rename(temporary, cachePath(context, entry));
    await rm(path);
    found.push(entry);
  }
  return found;
}

/** SHA-256 of a file, read in pieces. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

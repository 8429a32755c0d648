import { type PoweredOff, Unanswerable } from './disk.ts';

/** The releases of the kernels that a disk has, by their modules and images, sorted. */
export async function kernelReleases(disk: PoweredOff): Promise<string[]> {
  const found = new Set<string>();
  for (const name of await disk.names('/lib/modules')) {
    const folder = `/lib/modules/${name}`;
    if ((await disk.find(`${folder}/modules.dep`)) ?? (await disk.find(`${folder}/kernel`))) found.add(name);
  }
  for (const name of await disk.names('/boot')) {
    const release = /^(?:vmlinu[xz]|kernel|bzImage)-(\d+\.\d+.*?)(?:\.old)?$/.exec(name)?.[1];
    if (release !== undefined) found.add(release);
  }
  return [...found].sort();
}

/** The one kernel that guests of a disk run. @throws Unanswerable where that is not certain */
export async function kernelOf(disk: PoweredOff): Promise<string> {
  if (disk.kernel !== undefined) throw new Unanswerable(`guests of the disk run another kernel: ${disk.kernel}`);
  const releases = await kernelReleases(disk);
  const [release] = releases;
  if (release !== undefined && releases.length === 1) return release;
  if (release === undefined) throw new Unanswerable('the disk holds no kernel and no modules of one');
  throw new Unanswerable(`the disk holds several kernels, and which one runs is not known: ${releases.join(', ')}`);
}

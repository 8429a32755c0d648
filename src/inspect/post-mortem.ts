import { clip, printable } from '../core/index.ts';
import { type Disk, openTree, readCpio, readLayout, resolveDevice, type Volume } from '../disk/index.ts';
import { isGvmError } from '../errors/index.ts';
import {
  diskTrouble,
  kernelReleases,
  moduleName,
  PoweredOff,
  type RootBus,
  splitCommandLine,
} from '../facts/powered-off.ts';
import { examineInitramfs, missingModules } from './initramfs.ts';
import { readLastLog } from './logs.ts';
import { bootEntries } from './sections/boot.ts';
import { fstabEntries } from './sections/mounts.ts';

/** How a guest was started that died. */
export interface DeathScene {
  /** The bus of its system disk. */
  bus: RootBus;
  /** Where the host gave the kernel: its command line and its initramfs. */
  direct?: { append: string; initrd: Buffer | undefined };
  /** The release of a kernel that was brought along; its modules came with it where it had any. */
  kernel?: { release: string | undefined; modules: boolean };
  /** When the guest was started, in milliseconds since 1970. */
  began: number;
}

/** What the disk of a dead guest shows. All text is bounded and fit for a terminal. */
export interface PostMortem {
  /** What is wrong with it, the likeliest cause first. */
  findings: string[];
  /** The last lines of what was logged in this boot. */
  logs: { source: string; lines: string[] }[];
}

const MOST_LINES = 12;
const MOST_FINDINGS = 12;
/** The clocks of guest and host may differ. */
const CLOCK = 5000;

/**
 * Examines the powered-off disk of a guest that died: a root that is not there, an fstab entry that the boot waits for,
 * modules and files that are missing, and what was logged last. @throws the signal's reason
 */
export async function examineDisk({ source }: Disk, scene: DeathScene, signal?: AbortSignal): Promise<PostMortem> {
  const findings: string[] = [];
  const say = (text: string) => findings.push(clip(printable(text), 500));
  const logs: PostMortem['logs'] = [];
  try {
    const layout = await readLayout(source, { signal });
    const disk = new PoweredOff(layout, await openTree(layout, undefined, signal), { signal });
    for (const look of [rootDevice, modules, bootFiles, fstab, initProgram]) {
      try {
        for (const text of await look(disk, scene)) say(text);
      } catch (error) {
        say(diskTrouble(error));
      }
    }
    for (const { source: file, lines, written } of await readLastLog(disk, MOST_LINES, say)) {
      if (written >= scene.began - CLOCK)
        logs.push({ source: file, lines: lines.map((line) => clip(printable(line), 500)) });
    }
    for (const { message } of layout.diagnostics) say(message);
  } catch (error) {
    signal?.throwIfAborted();
    if (!isGvmError(error)) throw error;
    say(error.message);
  }
  return { findings: [...new Set(findings)].slice(0, MOST_FINDINGS), logs };
}

/** The command line that the kernel got, as far as it is known: of entries of a boot loader the first. */
async function commandLine(disk: PoweredOff, scene: DeathScene): Promise<string[]> {
  return splitCommandLine(scene.direct?.append ?? (await bootEntries(disk))[0]?.options ?? '');
}

/** The last one counts, as in the kernel. */
const lastOf = (words: readonly string[], key: string) =>
  words.findLast((word) => word.startsWith(`${key}=`))?.slice(key.length + 1);

async function rootDevice(disk: PoweredOff, scene: DeathScene): Promise<string[]> {
  const words = await commandLine(disk, scene);
  const root = lastOf(words, 'root');
  if (root === undefined || /^(?:\/dev\/(?:mapper|md|nfs|ram)|ZFS|zfs)/.test(root)) return [];
  const volume = resolveDevice(disk.layout, root);
  if (!volume)
    return [`root=${root}: no volume of the disk is that; it has ${disk.layout.volumes.map(named).join(', ')}`];
  const findings: string[] = [];
  const own = disk.tree.mounts[0]?.volume;
  if (own && volume !== own) findings.push(`root=${root} is ${named(volume)}, but the system stands on ${named(own)}`);
  const type = lastOf(words, 'rootfstype');
  if (type && volume.content && !type.split(',').includes(volume.content))
    findings.push(`rootfstype=${type}, but root=${root} is ${volume.content}`);
  return findings;
}

function named({ name, content, fs, partition }: Volume): string {
  const tags = [
    ...(fs?.uuid ? [`UUID=${fs.uuid}`] : []),
    ...(fs?.label ? [`LABEL=${fs.label}`] : []),
    ...(partition?.uuid ? [`PARTUUID=${partition.uuid}`] : []),
  ];
  return `${name} (${[content ?? 'unknown', ...tags].join(' ')})`;
}

/** What the root needs of modules that the kernel had no way to: neither built in, nor in the initramfs. */
async function modules(disk: PoweredOff, scene: DeathScene): Promise<string[]> {
  const known = await kernelReleases(disk);
  const booted = (await bootEntries(disk))[0]?.kernel;
  const release =
    scene.kernel?.release ??
    known.find((name) => booted?.endsWith(`-${name}`)) ??
    (known.length === 1 ? known[0] : undefined);
  if (release === undefined || scene.kernel?.modules) return [];
  const findings: string[] = [];
  if (!(await disk.find(`/lib/modules/${release}/modules.dep`))) {
    const others = known.filter((name) => name !== release);
    const has = others.length > 0 ? `; it has those of ${others.join(', ')}` : '';
    findings.push(`the disk has no modules for the kernel ${release} (/lib/modules/${release})${has}`);
  }
  if (scene.direct) {
    const present = new Set<string>();
    for (const { path } of scene.direct.initrd ? readCpio(scene.direct.initrd) : []) {
      const name = path.toString('utf8');
      if (/\.ko(?:\.\w+)?$/.test(name)) present.add(moduleName(name));
    }
    const missing = await missingModules(disk, release, present, [scene.bus]);
    const where = scene.direct.initrd ? 'the initramfs that was given has not' : 'no initramfs was given to bring';
    if (missing.length > 0)
      findings.push(`the root on ${scene.bus} needs modules that ${where}: ${missing.join(', ')}`);
    return findings;
  }
  const notes: string[] = [];
  const initramfs = await examineInitramfs(disk, release, (text) => notes.push(text), [scene.bus]);
  if (!initramfs) findings.push(`the disk has no initramfs for the kernel ${release} that can be read`, ...notes);
  else if (initramfs.missing.length > 0)
    findings.push(
      `the root on ${scene.bus} needs modules that ${initramfs.path} has not: ${initramfs.missing.join(', ')}`,
    );
  return findings;
}

async function bootFiles(disk: PoweredOff, scene: DeathScene): Promise<string[]> {
  if (scene.direct) return [];
  return (await bootEntries(disk)).flatMap(({ title, source, missing }) =>
    missing.map((file) => `the entry "${title}" of ${source} names ${file}, which the disk does not have`),
  );
}

async function fstab(disk: PoweredOff): Promise<string[]> {
  const entries = (await fstabEntries(disk)) ?? [];
  return entries.flatMap(({ device, path, trouble }) =>
    trouble?.includes('waits') ? [`fstab: ${device} on ${path}: ${trouble}`] : [],
  );
}

/** The programs that the kernel tries after its root is mounted (init/main.c). */
async function initProgram(disk: PoweredOff, scene: DeathScene): Promise<string[]> {
  const asked = lastOf(await commandLine(disk, scene), 'init');
  for (const path of asked === undefined ? ['/sbin/init', '/etc/init', '/bin/init', '/bin/sh'] : [asked]) {
    const found = await disk.find(path);
    if (found?.node.stat.type !== 'file') continue;
    return (found.node.stat.mode & 0o111) === 0
      ? [`${path} may not be run: it has the mode ${found.node.stat.mode.toString(8)}`]
      : [];
  }
  return [
    asked === undefined
      ? 'the root has no init: none of /sbin/init, /etc/init, /bin/init, /bin/sh'
      : `the root has no ${asked}`,
  ];
}

import { showBytes } from '../core/index.ts';
import { type FsNode, type Located, walkTree } from '../disk/index.ts';
import { diskTrouble, type PoweredOff } from '../facts/powered-off.ts';
import { capabilitiesOf } from './parse/capabilities.ts';
import { secretBySight, secretInside } from './parse/secret.ts';
import type { Stage } from './section.ts';

/** What one walk over all files of an image brings. Every list is bounded; what is left out is counted. */
export interface Census {
  files: number;
  directories: number;
  /** Bytes on the disk below each folder of the first two levels; hard links count once. */
  usage: Map<string, number>;
  /** The largest files, largest first. */
  largest: { path: string; size: number }[];
  /** With the setuid or setgid bit. */
  setuid: { path: string; mode: string; uid: number; gid: number }[];
  capabilities: { path: string; capabilities: string }[];
  /** Regular files that everybody may write. */
  worldWritable: string[];
  secrets: { path: string; kind: string }[];
  /** What could not be read. */
  trouble: string[];
  leftOut: number;
}

const MOST = 2000;
const MOST_FILES = 20_000_000;
const LARGEST = 10;
/** Files of these sizes are looked into for keys, where they lie in such places. */
const LOOKED_INTO = { least: 32, most: 64 * 1024, files: 50_000 };
const PLACES = /^\/(?:etc|root|home|opt|srv|var\/lib|usr\/local)\//;
/** What a package manager keeps of its packages is in every copy of them. */
const PACKAGED = /^\/var\/lib\/(?:dpkg\/info|pacman\/local|rpm|portage)\//;
const CAPABILITY = Buffer.from('security.capability');

/** Walks all files of an image once. */
export async function takeCensus(disk: PoweredOff, stage: Pick<Stage, 'files'>): Promise<Census> {
  const census: Census = {
    files: 0,
    directories: 1,
    usage: new Map(),
    largest: [],
    setuid: [],
    capabilities: [],
    worldWritable: [],
    secrets: [],
    trouble: [],
    leftOut: 0,
  };
  const links = new Map<unknown, Set<number>>();
  let looked = 0;
  const keep = <T>(list: T[], item: T) => {
    if (list.length < MOST) list.push(item);
    else census.leftOut++;
  };
  const start = await disk.vfs.resolve('/', { signal: disk.signal });
  for await (const walked of walkTree(disk.vfs, start, { signal: disk.signal })) {
    if ('trouble' in walked) {
      keep(census.trouble, `${showBytes(walked.path)}: ${walked.trouble.message}`);
      continue;
    }
    const { node } = walked;
    const { type, mode, size, uid, gid } = node.stat;
    const path = walked.path.toString('utf8');
    if (type === 'directory') census.directories++;
    else census.files++;
    stage.files++;
    if (census.files > MOST_FILES) break;
    if (countsOnce(links, walked)) addUsage(census.usage, path, type === 'directory', node.stat.allocated);
    if (type !== 'file') continue;
    addLargest(census.largest, path, size);
    if ((mode & 0o6000) !== 0) keep(census.setuid, { path, mode: mode.toString(8).padStart(4, '0'), uid, gid });
    if ((mode & 0o002) !== 0) keep(census.worldWritable, path);
    try {
      if ((mode & 0o111) !== 0) {
        const capabilities = await capabilityOf(node, disk.signal);
        if (capabilities) keep(census.capabilities, { path, capabilities });
      }
      const seen = secretBySight(path, size);
      if (seen) keep(census.secrets, { path, kind: seen });
      else if (isLookedInto(path, size) && ++looked <= LOOKED_INTO.files) {
        const kind = secretInside(await node.read(0, Math.min(size, 4096), disk.signal));
        if (kind) keep(census.secrets, { path, kind });
      }
    } catch (error) {
      keep(census.trouble, `${showBytes(walked.path)}: ${diskTrouble(error)}`);
    }
  }
  return census;
}

function isLookedInto(path: string, size: number): boolean {
  return size >= LOOKED_INTO.least && size <= LOOKED_INTO.most && PLACES.test(path) && !PACKAGED.test(path);
}

async function capabilityOf(node: FsNode, signal: AbortSignal | undefined): Promise<string | undefined> {
  const xattr = (await node.xattrs(signal)).find(({ name }) => name.equals(CAPABILITY));
  return xattr && capabilitiesOf(xattr.value);
}

/** Whether this is the first name of a file that has several. */
function countsOnce(links: Map<unknown, Set<number>>, { fs, node }: Located): boolean {
  if (node.stat.nlink <= 1 || node.stat.type === 'directory') return true;
  const seen = links.get(fs) ?? new Set<number>();
  links.set(fs, seen);
  if (seen.has(node.stat.ino)) return false;
  seen.add(node.stat.ino);
  return true;
}

function addUsage(usage: Map<string, number>, path: string, isFolder: boolean, bytes: number): void {
  const parts = path.split('/').slice(1);
  const folders = isFolder ? parts : parts.slice(0, -1);
  for (const depth of [1, 2]) {
    if (folders.length < depth) return;
    const folder = `/${folders.slice(0, depth).join('/')}`;
    if (usage.has(folder) || usage.size < 10 * MOST) usage.set(folder, (usage.get(folder) ?? 0) + bytes);
  }
}

function addLargest(largest: Census['largest'], path: string, size: number): void {
  if (largest.length === LARGEST && size <= (largest.at(-1)?.size ?? 0)) return;
  largest.push({ path, size });
  largest.sort((a, b) => b.size - a.size);
  if (largest.length > LARGEST) largest.pop();
}

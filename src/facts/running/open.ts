// The eyes of what reads powered-off disks, opened on a running guest: its files by find(1), stat(1) and cat(1), its
// volumes by /sys/class/block and blkid(8), what is mounted by /proc/self/mountinfo. So each reader is one definition for
// both. Nothing in the guest is changed; what its login may not read is trouble with that file.
import { type Layout, type Usage, Vfs, type Volume } from '../../disk/index.ts';
import { GvmError } from '../../errors/index.ts';
import { type BlkidTags, parseBlkid } from '../blkid.ts';
import { type MountValue, parseMountinfo } from '../mount.ts';
import { PoweredOff } from '../offline/disk.ts';
import { type AskOptions, GuestShell, wordOf } from './guest.ts';
import { listFiles, RunningFileSystem } from './tree.ts';

const SECTOR = 512;
const LIMIT = 4 * 2 ** 20;
/** Where a system mounts what is on no disk, whether or not it has. */
const LIVE = ['/proc', '/sys', '/dev', '/run'];

const LOOK = `cat /proc/self/mountinfo; echo @blocks
set --
for p in /sys/class/block/*/partition; do
  s=\${p%/partition}; n=\${s##*/}
  [ -r "$p" ] && read -r a <"$p" && read -r b <"$s/start" && read -r c <"$s/size" || continue
  echo "$a $b $c $n"
  set -- "$@" "/dev/$n"
done
echo @blkid
[ $# = 0 ] || blkid -p -o export "$@"`;

/** A running guest, as readers of powered-off disks see one. @throws GvmError of the channel, `unsupported` */
export async function openRunning(options: AskOptions): Promise<PoweredOff> {
  const shell = new GuestShell(options);
  const said = (await shell.ask(LOOK, LIMIT)).toString('utf8');
  const [mountinfo = '', blocks = '', tags = ''] = said.split(/^@(?:blocks|blkid)\n/m);
  const mounted = mountsOf(mountinfo);
  const onNone = mounted.filter(({ source, path }) => !source.startsWith('/') && path !== '/');
  const files = await listFiles(shell, [...new Set([...LIVE, ...onNone.map(({ path }) => path)])]);
  const known = parseBlkid(tags);
  const mounts: { path: string; volume: Volume }[] = [];
  const volumes = blocks.split('\n').flatMap((line) => {
    const [, number, start, sectors, name = ''] = /^(\d{1,5}) (\d{1,15}) (\d{1,15}) (\S+)$/.exec(line) ?? [];
    if (number === undefined) return [];
    const size = Number(sectors) * SECTOR;
    const volume = volumeOf(`p${number}`, Number(start) * SECTOR, size, known.get(`/dev/${name}`) ?? {}, (is) => {
      const at = mounted.find(({ source }) => source === `/dev/${name}`)?.path;
      return new RunningFileSystem(is, files, () => usageOf(shell, at));
    });
    for (const { source, path } of mounted) if (source === `/dev/${name}`) mounts.push({ path, volume });
    return [volume];
  });
  const root = mounted.findLast(({ path }) => path === '/');
  if (!mounts.some(({ path }) => path === '/')) {
    const is = { type: root?.fstype ?? 'unknown', label: undefined, uuid: undefined };
    const fs = new RunningFileSystem(is, files, () => usageOf(shell, '/'));
    const volume = { ...volumeOf('root', 0, 0, {}, () => fs), fs, content: is.type };
    mounts.push({ path: '/', volume });
  }
  // Deeper mounts come after what they stand in.
  mounts.sort((a, b) => a.path.length - b.path.length);
  const vfs = new Vfs((mounts[0]?.volume.fs ?? files) as RunningFileSystem);
  const layout: Layout = {
    size: Math.max(0, ...volumes.map(({ start = 0, size }) => start + size)),
    table: undefined,
    volumes,
    diagnostics: [],
  };
  return new PoweredOff(layout, { vfs, mounts, diagnostics: [] }, { signal: options.signal });
}

/** What is only a part of its file system is no mount of it. */
function mountsOf(text: string): MountValue {
  return text.split('\n').flatMap((line) => (line.split(' ')[3] === '/' ? (parseMountinfo(line) ?? []) : []));
}

function volumeOf(
  name: string,
  start: number,
  size: number,
  tags: BlkidTags,
  open: (is: Pick<RunningFileSystem, 'type' | 'label' | 'uuid'>) => RunningFileSystem,
): Volume {
  const { TYPE, UUID, LABEL, PART_ENTRY_UUID, PART_ENTRY_NAME } = tags;
  const isFiles = TYPE !== undefined && !/^(?:swap|crypto_LUKS|LVM2_member|linux_raid_member)$/.test(TYPE);
  return {
    ...{ name, start, size, on: [], how: undefined, content: TYPE, uuid: UUID, label: LABEL },
    ...{ reason: undefined, diagnostics: [] },
    fs: isFiles ? open({ type: TYPE, label: LABEL, uuid: UUID }) : undefined,
    partition: {
      ...{ number: Number(name.slice(1)) || 0, start, size, type: '', typeName: undefined, role: 'primary' },
      ...{ uuid: PART_ENTRY_UUID?.toLowerCase() ?? '', name: PART_ENTRY_NAME, bootable: false, attributes: [] },
    },
    source: {
      size,
      read: () => Promise.reject(unread(name)),
      // biome-ignore lint/correctness/useYield: it has none.
      async *extents() {
        throw unread(name);
      },
      async [Symbol.asyncDispose]() {},
    },
  };
}

function unread(name: string): GvmError {
  return new GvmError({ code: 'unsupported', message: `the blocks of ${name} are not read while the guest runs` });
}

/** statfs(2), by stat(1). */
async function usageOf(shell: GuestShell, path: string | undefined): Promise<Usage> {
  const said =
    path === undefined ? '' : await shell.ask(`stat -f -c '%S %b %f %a %c %d' ${wordOf(Buffer.from(path))}`, 4096);
  const [unit = 0, total = 0, free = 0, available = 0, nodes, freeNodes] = said
    .toString('latin1')
    .trim()
    .split(' ')
    .map(Number);
  return { total: unit * total, free: unit * free, available: unit * available, files: nodes, freeFiles: freeNodes };
}

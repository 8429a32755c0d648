import { z } from 'zod';
import { resolveDevice } from '../disk/index.ts';
import { parseBlkid } from './blkid.ts';
import { type Answer, defineFact, type FactOutput } from './fact.ts';
import { guestPath } from './guest-path.ts';
import type { PoweredOff } from './offline/disk.ts';
import { linesOf, partOf, pathWord } from './shell.ts';

// The file system at a mount point or on a block device: where it is mounted (/proc/self/mountinfo), its sizes by
// statfs(2) through stat(1), label and UUID by blkid(8) or lsblk(8). A device that is not mounted has no sizes.

const filesystemArgs = z.strictObject({
  path: guestPath.refine((path) => path.startsWith('/'), 'expected an absolute path'),
});

const percent = z.number().min(0).max(100);
const bytes = z.number().min(0);

const filesystemValue = z.discriminatedUnion('exists', [
  z.strictObject({ exists: z.literal(false) }),
  z.strictObject({
    exists: z.literal(true),
    mounted: z.string().optional().meta({ description: 'where' }),
    device: z.string().optional(),
    type: z.string().optional(),
    label: z.string().optional(),
    uuid: z.string().optional(),
    size: bytes.optional(),
    free: bytes.optional().meta({ description: 'for users; what is kept for root does not count' }),
    used: percent.optional().meta({ description: 'percent, rounded up, as df(1) counts it' }),
    inodes: percent.optional().meta({ description: 'percent that is used; 0 where they are not counted' }),
  }),
]);

export type FilesystemArgs = z.output<typeof filesystemArgs>;
export type FilesystemValue = z.output<typeof filesystemValue>;

/** Sets mp, dev and type of what is mounted on $1 or from $1; the last mount of several is the one that is seen. */
const LOOK = `look() {
  mp= dev= type= n=
  if [ -b "$1" ]; then
    dev=$(readlink -f "$1")
    read -r n <"/sys/class/block/\${dev##*/}/dev"
  fi
  while read -r _ _ major root at rest; do
    rest=\${rest##* - }; t=\${rest%% *}; rest=\${rest#* }; s=\${rest%% *}
    case $at in *\\\\*) at=$(printf '%b' "$at") ;; esac
    if [ -n "$n" ]; then
      [ "$root" = / ] && { [ "$major" = "$n" ] || [ "$s" = "$dev" ]; } && { mp=$at; type=$t; }
    elif [ "$at" = "$1" ]; then
      mp=$at; type=$t; dev=$s
      if [ ! -b "$s" ] && [ -r "/sys/dev/block/$major/uevent" ]; then
        while IFS== read -r k v; do [ "$k" != DEVNAME ] || dev=/dev/$v; done <"/sys/dev/block/$major/uevent"
      fi
    fi
  done </proc/self/mountinfo
  [ -n "$mp$n" ]
}`;

/** What is known of the file system on a device: blkid(8) needs root, lsblk(8) a udev database. */
const TAGS = `tags() {
  if command -v blkid >/dev/null; then t=$(blkid -o export "$1"); else t=$(busybox blkid "$1"); fi
  if [ -n "$t" ]; then printf '%s\\n' "$t"
  elif command -v lsblk >/dev/null; then printf '%s: ' "$1"; lsblk -d -n -P -o FSTYPE,LABEL,UUID "$1"
  fi
}`;

export const filesystemFact = defineFact<FilesystemArgs, FilesystemValue>({
  name: 'filesystem',
  description: 'a file system: type, sizes, label, UUID',
  args: filesystemArgs,
  schema: filesystemValue,
  limit: (requests) => requests.length * 16_384,
  fragment(requests) {
    const looks = requests.map(
      ({ path }, i) => `if look ${pathWord(path.replace(/(.)\/+$/, '$1'))}; then
part place.${i}
printf '%s\\n%s\\n%s\\n' "$mp" "$dev" "$type"
[ -z "$mp" ] || { part stat.${i}; stat -f -c '%S %b %f %a %c %d' "$mp"; }
if [ -b "$dev" ]; then part blkid.${i}; tags "$dev"; fi
fi`,
    );
    return `${LOOK}\n${TAGS}\n${looks.join('\n')}\n[ -r /proc/self/mountinfo ]`;
  },

  parse(output, requests) {
    if (output.status !== 0)
      return requests.map(() => ({ diagnostics: ['/proc/self/mountinfo of the guest cannot be read'] }));
    return requests.map((_, i) => answerFor(output, i));
  },

  offline: (disk, requests) => Promise.all(requests.map(({ path }) => answerOffline(disk, path))),
});

/** By mount point, or by the name of a device that fstab(5) may use. */
async function answerOffline(disk: PoweredOff, asked: string): Promise<Answer<FilesystemValue>> {
  const path = asked.replace(/(.)\/+$/, '$1');
  const volume = path.startsWith('/dev/') ? resolveDevice(disk.layout, path) : undefined;
  const mount = disk.tree.mounts.find((m) => (volume ? m.volume === volume : m.path === path));
  const fs = (mount?.volume ?? volume)?.fs;
  if (!fs) {
    const place = await disk.livePlace(path, true);
    if (place === undefined) return { value: { exists: false }, diagnostics: [] };
    return { diagnostics: [], unanswerable: `${path} lies on ${place}, which only a running guest has` };
  }
  const { total, free, available, files = 0, freeFiles = 0 } = await fs.usage(disk.signal);
  return {
    value: {
      exists: true,
      ...(mount ? { mounted: mount.path } : {}),
      type: fs.type,
      label: fs.label ?? '',
      uuid: fs.uuid ?? '',
      ...(mount ? usageOf([1, total, free, available, files, freeFiles]) : {}),
    },
    diagnostics: mount ? [] : [`${path} is not mounted, so its sizes are not known`],
  };
}

function answerFor(output: FactOutput, i: number): Answer<FilesystemValue> {
  const place = partOf(output, `place.${i}`);
  if (!place) return { value: { exists: false }, diagnostics: [] };
  const [mounted = '', device = '', type = ''] = linesOf(place);
  const tags = parseBlkid(partOf(output, `blkid.${i}`)?.toString('utf8') ?? '')
    .values()
    .next().value;
  const numbers = (partOf(output, `stat.${i}`)?.toString('latin1').trim() ?? '').split(' ').map(Number);
  const usage = numbers.length === 6 && numbers.every(Number.isSafeInteger) ? usageOf(numbers) : {};
  const found = tags?.TYPE || tags?.FSTYPE;
  const known = type || found;
  return {
    value: {
      exists: true,
      ...(mounted === '' ? {} : { mounted }),
      ...(device === '' ? {} : { device }),
      ...(known === undefined ? {} : { type: known }),
      ...(found === undefined || found === '' ? {} : { label: tags?.LABEL ?? '', uuid: tags?.UUID ?? '' }),
      ...usage,
    },
    diagnostics: [
      ...(mounted !== '' && !('size' in usage) ? ['stat did not tell the sizes of the file system'] : []),
      ...(mounted === '' ? [`${device} is not mounted, so its sizes are not known`] : []),
      ...(found === undefined || found === '' ? ['neither blkid nor lsblk tells anything of it'] : []),
    ],
  };
}

/** What statfs(2) counts, as df(1) shows it. */
export function usageOf(numbers: readonly number[]): { size: number; free: number; used: number; inodes: number } {
  const [unit = 0, blocks = 0, unused = 0, available = 0, nodes = 0, spare = 0] = numbers.map((n) => Math.max(0, n));
  const taken = Math.max(0, blocks - unused);
  const share = (part: number, whole: number) => (whole > 0 ? Math.min(100, Math.ceil((100 * part) / whole)) : 0);
  return {
    size: unit * blocks,
    free: unit * available,
    used: share(taken, taken + available),
    inodes: share(Math.max(0, nodes - spare), nodes),
  };
}

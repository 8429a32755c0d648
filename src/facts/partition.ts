import { z } from 'zod';
import { dosTypeName, gptTypeName } from '../disk/index.ts';
import { type BlkidTags, parseBlkid } from './blkid.ts';
import { type Answer, defineFact, type FactOutput } from './fact.ts';
import { guestPath } from './guest-path.ts';
import type { PoweredOff } from './offline/disk.ts';
import { linesOf, partOf, pathWord } from './shell.ts';

// The partitions of a disk as the kernel has them (/sys/class/block, in sectors of 512 bytes), with what the table says
// of them by `blkid -p` or, where that says nothing, lsblk(8). Both need root.

const partitionArgs = z.strictObject({ disk: guestPath });

const bytes = z.number().min(0);

const partitionValue = z.discriminatedUnion('exists', [
  z.strictObject({ exists: z.literal(false) }),
  z.strictObject({
    exists: z.literal(true),
    size: bytes,
    table: z.string().optional().meta({ description: 'gpt, dos, …, or none' }),
    partitions: z.array(
      z.strictObject({
        number: z.int(),
        start: bytes,
        size: bytes,
        type: z.string().optional().meta({ description: 'GUID in lower case, or 0x83 in a table of dos' }),
        typeName: z.string().optional(),
        label: z.string().optional(),
        uuid: z.string().optional(),
        filesystem: z.string().optional().meta({ description: 'empty where there is none that is known' }),
      }),
    ),
  }),
]);

export type PartitionArgs = z.output<typeof partitionArgs>;
export type PartitionValue = z.output<typeof partitionValue>;

const SECTOR = 512;

export const partitionFact = defineFact<PartitionArgs, PartitionValue>({
  name: 'partition',
  description: 'the partition table of a disk',
  args: partitionArgs,
  schema: partitionValue,
  limit: (requests) => requests.length * 256 * 1024,
  fragment(requests) {
    const looks = requests.map(
      ({ disk }, i) => `d=$(readlink -f ${pathWord(disk)})
if [ -b "$d" ]; then
n=\${d##*/}
part disk.${i}
echo "$n"
part size.${i}
head -c 32 "/sys/class/block/$n/size"
part sys.${i}
set -- "$d"
for s in "/sys/class/block/$n/$n"*; do
  [ -r "$s/partition" ] && read -r a <"$s/partition" && read -r b <"$s/start" && read -r c <"$s/size" || continue
  echo "$a $b $c \${s##*/}"
  set -- "$@" "/dev/\${s##*/}"
done
t=$(blkid -p -o export "$@")
if [ -n "$t" ]; then part blkid.${i}; printf '%s\\n' "$t"
elif command -v lsblk >/dev/null; then part lsblk.${i}; lsblk -b -P -o NAME,PTTYPE,PARTTYPE,PARTLABEL,PARTUUID,FSTYPE "$d"
fi
fi`,
    );
    return `${looks.join('\n')}\n[ -d /sys/class/block ]`;
  },

  parse(output, requests) {
    if (output.status !== 0)
      return requests.map(() => ({ diagnostics: ['/sys/class/block of the guest cannot be read'] }));
    return requests.map((_, i) => answerFor(output, i));
  },

  offline: async (disk, requests) => requests.map(({ disk: name }) => tableOf(disk, name)),
});

/** Of the disks that a guest may have, the one that is read is the first, by whatever name. */
function tableOf({ layout }: PoweredOff, name: string): Answer<PartitionValue> {
  if (!/^\/dev\/(?:[svhx]da|xvda|nvme0n1|mmcblk0)$/.test(name)) {
    return { diagnostics: [], unanswerable: `${name} is not the first disk of a guest, and no other one is read` };
  }
  const partitions = (layout.table?.partitions ?? []).map(
    ({ number, start, size, type, typeName, name: label, uuid }) => ({
      number,
      start,
      size,
      type: type.length > 2 ? type.toLowerCase() : `0x${type}`,
      ...(typeName === undefined ? {} : { typeName }),
      label: label ?? '',
      uuid,
      filesystem: layout.volumes.find((volume) => volume.partition?.number === number)?.content ?? '',
    }),
  );
  partitions.sort((a, b) => a.number - b.number);
  return {
    value: { exists: true, size: layout.size, table: layout.table?.label ?? 'none', partitions },
    diagnostics: [],
  };
}

function answerFor(output: FactOutput, i: number): Answer<PartitionValue> {
  const part = (label: string) => partOf(output, `${label}.${i}`);
  const disk = part('disk')?.toString('utf8').trim();
  if (disk === undefined) return { value: { exists: false }, diagnostics: [] };
  const sectors = part('size')?.toString('latin1').trim() ?? '';
  if (!/^\d{1,15}$/.test(sectors)) return { diagnostics: [`the size of ${disk} cannot be read`] };
  const tags = tagsOf(part('blkid'), part('lsblk'));
  const partitions = linesOf(part('sys')).flatMap((line) => {
    const match = /^(\d{1,5}) (\d{1,15}) (\d{1,15}) (.+)$/.exec(line);
    if (!match) return [];
    const [, number, start, size, name = ''] = match;
    const place = { number: Number(number), start: Number(start) * SECTOR, size: Number(size) * SECTOR };
    return [{ ...place, ...describe(tags.get(`/dev/${name}`)) }];
  });
  const ofDisk = tags.get(`/dev/${disk}`);
  // blkid says nothing of a disk on which it finds nothing; lsblk names each disk.
  const table = ofDisk?.PTTYPE || (tags.size > 0 || partitions.length === 0 ? 'none' : undefined);
  return {
    value: {
      exists: true,
      size: Number(sectors) * SECTOR,
      ...(table === undefined ? {} : { table }),
      partitions: partitions.sort((a, b) => a.number - b.number),
    },
    diagnostics: tags.size > 0 ? [] : [`neither blkid nor lsblk tells anything of ${disk}`],
  };
}

function tagsOf(blkid: Buffer | undefined, lsblk: Buffer | undefined): Map<string, BlkidTags> {
  if (blkid) return parseBlkid(blkid.toString('utf8'));
  const found = new Map<string, BlkidTags>();
  for (const line of linesOf(lsblk)) {
    const pairs = [...line.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, unescapeHex(value)]);
    const { NAME, PTTYPE, PARTTYPE, PARTLABEL, PARTUUID, FSTYPE } = Object.fromEntries(pairs);
    // Without a udev database and without root lsblk has nothing but names.
    if (!NAME || !PTTYPE) continue;
    const entry = PARTTYPE
      ? { PART_ENTRY_TYPE: PARTTYPE, PART_ENTRY_NAME: PARTLABEL ?? '', PART_ENTRY_UUID: PARTUUID ?? '' }
      : { PTTYPE };
    found.set(`/dev/${NAME}`, { ...entry, TYPE: FSTYPE ?? '' });
  }
  return found;
}

const unescapeHex = (text: string) =>
  text.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

function describe(tags: BlkidTags | undefined) {
  const type = tags?.PART_ENTRY_TYPE?.toLowerCase();
  if (!tags || type === undefined) return {};
  const name = /^0x[0-9a-f]{1,2}$/.test(type) ? dosTypeName(Number(type)) : gptTypeName(type.toUpperCase());
  return {
    type,
    ...(name === undefined ? {} : { typeName: name }),
    label: tags.PART_ENTRY_NAME ?? '',
    uuid: tags.PART_ENTRY_UUID?.toLowerCase() ?? '',
    filesystem: tags.TYPE ?? '',
  };
}

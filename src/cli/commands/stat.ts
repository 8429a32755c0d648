import { showBytes } from '../../core/index.ts';
import type { FileExtent, FsNode, ImageTree, Located, Xattr } from '../../disk/index.ts';
import type { Command } from '../command.ts';
import { type Entry, entryOf, isoTime, modeText } from '../disk/entry.ts';
import { onTree, pathWord, treeOptions } from '../disk/session.ts';

/** All that a file system keeps of a file. */
interface Details extends Entry {
  inode: number;
  allocated: number;
  atime: string | undefined;
  ctime: string | undefined;
  /** When it was made. */
  btime: string | undefined;
  volume: string;
  filesystem: string;
  /** Values are text in which `\xNN` stands for a byte that is no printable UTF-8. */
  xattrs: Record<string, string>;
  extents: FileExtent[] | undefined;
}

/** A file in more pieces than this is shown by the first of them. */
const MOST_EXTENTS = 1000;

async function detailsOf(tree: ImageTree, found: Located, signal: AbortSignal): Promise<Details> {
  const { stat } = found.node;
  const time = (value: typeof stat.atime) => (value ? isoTime(value) : undefined);
  return {
    ...(await entryOf(found, signal)),
    inode: stat.ino,
    allocated: stat.allocated,
    atime: time(stat.atime),
    ctime: time(stat.ctime),
    btime: time(stat.btime),
    volume: tree.mounts.find(({ volume }) => volume.fs === found.fs)?.volume.name ?? '?',
    filesystem: found.fs.type,
    xattrs: attributes(await found.node.xattrs(signal)),
    extents: stat.type === 'file' ? await firstExtents(found.node, signal) : undefined,
  };
}

function attributes(list: readonly Xattr[]): Record<string, string> {
  const shown: Record<string, string> = Object.create(null);
  for (const { name, value } of list) shown[showBytes(name)] = showBytes(value);
  return shown;
}

async function firstExtents(node: FsNode, signal: AbortSignal): Promise<FileExtent[]> {
  const extents: FileExtent[] = [];
  for await (const extent of node.extents(signal)) if (extents.push(extent) >= MOST_EXTENTS) break;
  return extents;
}

function render(d: Details): string {
  const arrow = d.target === undefined ? '' : ` -> ${d.target}`;
  const lines = [
    `${d.path}${arrow}`,
    `  type      ${d.type}${d.device ? ` ${d.device}` : ''}, ${d.size} bytes, ${d.allocated} on disk`,
    `  mode      ${d.mode} ${modeText(d.type, d.mode)}, owner ${d.uid}:${d.gid}, ${d.nlink} links`,
    `  on        ${d.volume} (${d.filesystem}), inode ${d.inode}`,
    `  modified  ${d.mtime}`,
    ...(d.ctime ? [`  changed   ${d.ctime}`] : []),
    ...(d.atime ? [`  accessed  ${d.atime}`] : []),
    ...(d.btime ? [`  made      ${d.btime}`] : []),
    ...Object.entries(d.xattrs).map(([name, value]) => `  xattr     ${name} = ${value}`),
    ...(d.extents ?? []).map(({ offset, length, kind, disk }) => {
      const place = disk === undefined ? kind : `${kind} at ${disk}`;
      return `  extent    ${offset}+${length} ${place}`;
    }),
  ];
  return lines.join('\n');
}

export const stat: Command = {
  usage: 'IMAGE PATH',
  about:
    'A symbolic link at the end of PATH is not followed. Extents are bytes of the file and where they lie in its volume.',
  options: [...treeOptions],
  examples: [['gvm stat disk.qcow2 /usr/bin/ping', 'owner, times, capabilities, place']],
  words: [2, 2],
  run: (context) =>
    onTree(context, async ({ tree, output, signal }) => {
      const found = await tree.vfs.resolve(pathWord(context), { follow: false, signal });
      const details = await detailsOf(tree, found, signal);
      await output.line(context.flag('json') ? JSON.stringify(details, null, 2) : render(details));
    }),
};

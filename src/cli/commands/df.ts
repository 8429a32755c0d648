import { formatSize, showBytes } from '../../core/index.ts';
import { openTree } from '../../disk/index.ts';
import { isGvmError } from '../../errors/index.ts';
import type { Command } from '../command.ts';
import { diskOptions, onDisk } from '../disk/session.ts';
import { alignRows } from '../disk/table.ts';

interface Row {
  volume: string;
  filesystem: string;
  label: string | undefined;
  total: number;
  used: number;
  available: number;
  files: number | undefined;
  freeFiles: number | undefined;
  /** Where the image's fstab mounts it. */
  path: string | undefined;
}

function render(rows: readonly Row[]): string {
  const head = ['volume', 'type', 'size', 'used', 'free', 'use', 'mounted on'];
  const lines = rows.map(({ volume, filesystem, total, used, available, path }) => {
    const share = used + available > 0 ? `${Math.ceil((used / (used + available)) * 100)}%` : '-';
    return [volume, filesystem, formatSize(total), formatSize(used), formatSize(available), share, path ?? ''];
  });
  return alignRows([head, ...lines], [2, 3, 4, 5]);
}

export const df: Command = {
  usage: 'IMAGE',
  options: [...diskOptions],
  examples: [['gvm df disk.qcow2', 'how full each file system is, and where it is mounted']],
  words: [1, 1],
  run: (context) =>
    onDisk(context, async ({ layout, output, signal }) => {
      const mounts = await openTree(layout, undefined, signal).then(
        (tree) => tree.mounts,
        (error) => {
          if (isGvmError(error) && error.code !== 'internal') return [];
          throw error;
        },
      );
      const rows: Row[] = [];
      for (const { name, fs } of layout.volumes) {
        if (!fs) continue;
        const { total, free, available, files, freeFiles } = await fs.usage(signal);
        const path = mounts.find(({ volume }) => volume.fs === fs)?.path;
        const label = fs.label === undefined ? undefined : showBytes(Buffer.from(fs.label));
        rows.push({
          volume: name,
          filesystem: fs.type,
          label,
          total,
          used: total - free,
          available,
          files,
          freeFiles,
          path,
        });
      }
      await output.line(context.flag('json') ? JSON.stringify(rows, null, 2) : render(rows));
    }),
};

import { truncate, writeFile } from 'node:fs/promises';
import { findTool, run } from '../../process/index.ts';
import type { RecipePartition } from '../../schema/index.ts';
import type { NodeMetadata } from './tree.ts';

type Ext4 = Extract<RecipePartition['filesystem'], { type: 'ext4' }>;

const TYPE_BITS = { file: 0o100000, folder: 0o040000, link: 0o120000 } as const;

export interface FileSystemInput {
  /** Folder with the content; owners, modes and times come from `metadata`. */
  folder: string;
  metadata: ReadonlyMap<string, NodeMetadata>;
  /** Bytes of the partition. */
  size: number;
  epoch: number;
  signal?: AbortSignal | undefined;
}

/**
 * Makes an ext4 file system in a file: mke2fs fills it from the folder, debugfs then sets what the folder of an
 * ordinary user cannot carry. Equal input gives equal bytes.
 */
export async function makeExt4(image: string, fs: Ext4, input: FileSystemInput): Promise<void> {
  await writeFile(image, '');
  await truncate(image, input.size);
  const options = {
    timeout: 600_000,
    // e2fsprogs takes its clock from here; without it superblock and lost+found carry the time of the build.
    env: { E2FSPROGS_FAKE_TIME: String(input.epoch), MKE2FS_CONFIG: '/dev/null', TZ: 'UTC' },
    ...(input.signal ? { signal: input.signal } : {}),
  };
  const extended = [
    `hash_seed=${fs.hashSeed}`,
    'lazy_itable_init=0',
    'lazy_journal_init=0',
    'nodiscard',
    'root_owner=0:0',
  ];
  const features = ['none', ...EXT4_FEATURES].join(',');
  await run(
    findTool('mke2fs') ?? 'mke2fs',
    [
      ...['-q', '-F', '-t', 'ext4', '-b', '4096', '-I', '256', '-m', '1', '-J', 'size=16', '-O', features],
      ...['-L', fs.label, '-U', fs.uuid, '-E', extended.join(','), '-d', input.folder, image],
    ],
    options,
  );
  const script = `${image}.debugfs`;
  await writeFile(script, debugfsScript(input.metadata, input.epoch));
  // debugfs ends with 0 whatever a command of its script met; it says so on standard error, after its version.
  const { stderr } = await run(findTool('debugfs') ?? 'debugfs', ['-w', '-f', script, image], options);
  const complaints = stderr.split('\n').filter((line) => line && !line.startsWith('debugfs 1.'));
  if (complaints.length > 0) throw new Error(`debugfs: ${complaints.slice(0, 3).join('; ')}`);
}

// Named one by one, because the defaults differ with the version and the configuration of e2fsprogs.
const EXT4_FEATURES = [
  ...['has_journal', 'ext_attr', 'resize_inode', 'dir_index', 'filetype', 'extent', '64bit', 'flex_bg'],
  ...['sparse_super', 'large_file', 'huge_file', 'dir_nlink', 'extra_isize', 'metadata_csum'],
];

/** Commands for debugfs(8) that give every inode its owner, mode and times. */
export function debugfsScript(metadata: ReadonlyMap<string, NodeMetadata>, epoch: number): string {
  const lines: string[] = [];
  const paths = [...metadata.keys()].sort();
  for (const path of paths) {
    const node = metadata.get(path);
    if (!node) continue;
    const name = `"/${path}"`;
    const set = (field: string, value: string) => lines.push(`set_inode_field ${name} ${field} ${value}`);
    set('mode', `0${(TYPE_BITS[node.kind] | node.mode).toString(8)}`);
    set('uid', String(node.uid));
    set('gid', String(node.gid));
    for (const time of ['atime', 'ctime', 'mtime', 'crtime']) set(time, `@${time === 'mtime' ? node.mtime : epoch}`);
    for (const extra of ['atime_extra', 'ctime_extra', 'mtime_extra', 'crtime_extra']) set(extra, '0');
  }
  for (const time of ['atime', 'ctime', 'mtime', 'crtime']) lines.push(`set_inode_field /lost+found ${time} @${epoch}`);
  for (const field of ['mkfs_time', 'wtime', 'lastcheck']) lines.push(`set_super_value ${field} @${epoch}`);
  lines.push('set_super_value kbytes_written 0');
  return `${lines.join('\n')}\n`;
}

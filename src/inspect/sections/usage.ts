import { formatSize } from '../../core/index.ts';
import { defineSection, type Told, type Zod } from '../section.ts';

// How full the file systems are, and what fills them.

const schema = (z: Zod) => {
  const bytes = z.number();
  return z.strictObject({
    volumes: z.array(
      z.strictObject({
        volume: z.string(),
        mounted: z.string().optional(),
        type: z.string(),
        size: bytes,
        used: bytes,
        available: bytes,
        dirty: z
          .array(z.string())
          .meta({ description: 'what was odd when it was opened, for example a journal to replay' }),
      }),
    ),
    files: z.int(),
    directories: z.int(),
    folders: z
      .record(z.string(), bytes)
      .meta({ description: 'bytes on the disk below folders of the first two levels' }),
    largest: z.array(z.strictObject({ path: z.string(), size: bytes })),
  });
};

type Usage = Told<typeof schema>;

const SHOWN = 12;

export const usageSection = defineSection<Usage>({
  name: 'usage',
  title: 'Disk usage',
  schema,
  async read({ disk, census, note }) {
    const volumes: Usage['volumes'] = [];
    for (const volume of disk.layout.volumes) {
      if (!volume.fs) continue;
      const { total, free, available } = await volume.fs.usage(disk.signal);
      const mounted = disk.tree.mounts.find((mount) => mount.volume === volume)?.path;
      volumes.push({
        volume: volume.name,
        ...(mounted === undefined ? {} : { mounted }),
        type: volume.fs.type,
        size: total,
        used: total - free,
        available,
        dirty: volume.fs.diagnostics.map(({ message }) => message),
      });
    }
    const { files, directories, usage, largest, trouble, leftOut } = await census();
    for (const text of trouble.slice(0, 20)) note(text);
    if (trouble.length > 20) note(`and ${trouble.length - 20} more files that could not be read`);
    if (leftOut > 0) note(`${leftOut} findings were left out of the lists of files`);
    const folders = [...usage].sort(([, a], [, b]) => b - a).slice(0, 500);
    return { volumes, files, directories, folders: Object.fromEntries(folders), largest };
  },
  rows: ({ volumes, files, directories, folders, largest }) => [
    ...volumes.map(({ volume, type, mounted, size, used, dirty }) => [
      volume,
      `${formatSize(used)} of ${formatSize(size)} used`,
      `${type}${mounted === undefined ? '' : ` on ${mounted}`}`,
      dirty.join('; '),
    ]),
    [`${files} files in ${directories} folders`],
    ...Object.entries(folders)
      .slice(0, SHOWN)
      .map(([folder, size]) => [`  ${folder}`, formatSize(size)]),
    ...largest.slice(0, 5).map(({ path, size }) => ['large file', formatSize(size), path]),
  ],
});

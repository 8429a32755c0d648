import { clip, printable } from '../core/index.ts';
import { type Disk, openTree, readLayout } from '../disk/index.ts';
import { diskTrouble, PoweredOff } from '../facts/powered-off.ts';
import { type Census, takeCensus } from './census.ts';
import { sections } from './registry.ts';
import type { Inspection } from './schema.ts';
import type { Stage } from './section.ts';

/** The longest text of a disk that is kept whole. */
const LONGEST = 4096;

/**
 * Everything that is known of an image. Trouble with a section stays with it and stands among the diagnostics; text of
 * the disk is bounded and fit for a terminal.
 * @throws GvmError where no root can be found; the signal's reason
 */
export async function inspectImage(
  { source, chain }: Disk,
  { image, keys = [], stage, signal }: { image: string; keys?: readonly Buffer[]; stage?: Stage; signal?: AbortSignal },
): Promise<Inspection> {
  const layout = await readLayout(source, { keys, signal });
  const tree = await openTree(layout, undefined, signal);
  const files = (chain?.layers ?? []).map(({ path, format }) => ({ path, format }));
  return await inspectSystem(new PoweredOff(layout, tree, { signal }), { image, files, ...(stage ? { stage } : {}) });
}

/** The same of what is open already: a disk, or a running guest by the same eyes. */
export async function inspectSystem(
  disk: PoweredOff,
  {
    image,
    files = [],
    stage = { section: '', files: 0 },
  }: { image: string; files?: Inspection['files']; stage?: Stage },
): Promise<Inspection> {
  const { layout, tree, signal } = disk;
  const diagnostics: Inspection['diagnostics'] = [];
  const say = (section: string, message: string) => {
    if (diagnostics.length < 500) diagnostics.push({ section, message });
  };
  for (const { message } of [...layout.diagnostics, ...tree.diagnostics]) say('disk', message);
  let taken: Promise<Census> | undefined;
  const census = () => {
    taken ??= takeCensus(disk, stage);
    return taken;
  };
  const found: Record<string, unknown> = {};
  for (const { name, read } of sections) {
    signal?.throwIfAborted();
    stage.section = name;
    try {
      const value = await read({ disk, census, note: (text) => say(name, text) });
      if (value !== undefined) found[name] = value;
    } catch (error) {
      signal?.throwIfAborted();
      say(name, diskTrouble(error));
    }
  }
  const volumes = layout.volumes.map(({ name, size, content, fs }) => {
    const mounted = tree.mounts.find((mount) => fs !== undefined && mount.volume.fs === fs)?.path;
    return {
      name,
      size,
      ...(content === undefined ? {} : { content }),
      ...(mounted === undefined ? {} : { mounted }),
    };
  });
  return shown({
    version: 1,
    image,
    files,
    size: layout.size,
    ...(layout.table ? { table: layout.table.label } : {}),
    volumes,
    sections: found,
    diagnostics,
  });
}

/** The value with every text in it, keys included, bounded and without what a terminal would obey. */
function shown<T>(value: T): T {
  if (typeof value === 'string') return clip(printable(value), LONGEST) as T;
  if (Array.isArray(value)) return value.map(shown) as T;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, own]) => [clip(printable(key), LONGEST), shown(own)]),
  ) as T;
}

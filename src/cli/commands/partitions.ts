import { formatSize, printable, showBytes } from '../../core/index.ts';
import type { Diagnostic, Layout, Volume } from '../../disk/index.ts';
import type { Command } from '../command.ts';
import { diskOptions, onDisk, type Session } from '../disk/session.ts';
import { alignRows } from '../disk/table.ts';

/** A volume as `--json` prints it. Sizes and places are bytes. */
interface Row {
  volume: string;
  /** Null for what lies on other volumes. */
  start: number | null;
  size: number;
  /** The volumes that it lies on, and how. */
  on: readonly string[];
  how: string | undefined;
  /** What it holds; null for nothing that gvm knows. */
  content: string | null;
  label: string | undefined;
  uuid: string | undefined;
  features: readonly string[] | undefined;
  partition:
    | {
        number: number;
        type: string;
        typeName: string | undefined;
        name: string | undefined;
        uuid: string;
        bootable: boolean;
        attributes: string[];
      }
    | undefined;
  diagnostics: Diagnostic[];
}

function rowOf({ name, start, size, on, how, content, uuid, label, fs, partition, diagnostics }: Volume): Row {
  const shown = (text: string | undefined) => (text === undefined ? undefined : showBytes(Buffer.from(text)));
  const row: Row['partition'] = partition && {
    number: partition.number,
    type: partition.type,
    typeName: partition.typeName,
    name: shown(partition.name),
    uuid: partition.uuid,
    bootable: partition.bootable,
    attributes: partition.attributes,
  };
  return {
    volume: name,
    start: start ?? null,
    size,
    on,
    how,
    content: content ?? null,
    label: shown(label),
    uuid: shown(uuid),
    features: fs?.features,
    partition: row,
    diagnostics,
  };
}

function document({ layout, disk }: Session) {
  const { table, size, volumes, diagnostics } = layout;
  return {
    files: disk.chain?.layers.map(({ path, format }) => ({ path, format })),
    size,
    table: table
      ? { label: table.label, id: table.id, sectorSize: table.sectorSize, bootCode: table.bootCode ?? null }
      : null,
    volumes: volumes.map(rowOf),
    snapshots: disk.chain?.layers[0]?.snapshots?.map(({ id, name, time, diskSize, stateSize }) => ({
      id: showBytes(Buffer.from(id)),
      name: showBytes(Buffer.from(name)),
      time: new Date(time * 1000).toISOString(),
      size: diskSize,
      state: stateSize,
    })),
    diagnostics,
  };
}

function render({ size, table, volumes, snapshots = [] }: ReturnType<typeof document>): string {
  const code = table?.bootCode ? `, boot code: ${table.bootCode}` : '';
  const kind = table ? `${table.label} ${table.id}, sectors of ${table.sectorSize} bytes${code}` : 'no partition table';
  const rows = volumes.map(({ volume, start, size: length, on, how, content, label, uuid, partition }) => [
    volume,
    start === null ? '' : String(start),
    formatSize(length),
    partition?.typeName ?? partition?.type ?? (how ? `${how} on ${on.join(', ')}` : ''),
    content ?? '',
    label ?? partition?.name ?? '',
    uuid ?? '',
  ]);
  const head = ['volume', 'start', 'size', 'type', 'holds', 'label', 'uuid'];
  const kept = snapshots.map(({ id, name, time, size: of, state }) => [
    id,
    formatSize(of),
    time.replace('.000Z', 'Z'),
    state > 0 ? `with ${formatSize(state)} of memory` : '',
    name,
  ]);
  const below = kept.length > 0 ? `\n${alignRows([['snapshot', 'size', 'made', '', 'name'], ...kept], [1])}` : '';
  return `${formatSize(size)}, ${kind}\n${alignRows([head, ...rows], [1, 2])}${below}`;
}

function troubleOf(layout: Layout): Diagnostic[] {
  return [...layout.diagnostics, ...layout.volumes.flatMap((volume) => volume.diagnostics)];
}

export const partitions: Command = {
  usage: 'IMAGE',
  options: [...diskOptions],
  examples: [
    ['gvm partitions disk.qcow2', 'the partition table and what each partition holds'],
    [
      'gvm partitions disk.img --format raw',
      'a file is taken for raw by its name or by what is said, never by its bytes',
    ],
  ],
  words: [1, 1],
  run: (context) =>
    onDisk(context, async (session) => {
      const found = document(session);
      await session.output.line(context.flag('json') ? JSON.stringify(found, null, 2) : render(found));
      for (const { message } of troubleOf(session.layout)) context.log.warn(printable(message));
      for (const { reason } of session.layout.volumes) {
        if (reason?.code === 'locked') context.log.info(printable(`${reason.message}; ${reason.hint}`));
      }
    }),
};

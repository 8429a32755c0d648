import { spawnSync } from 'node:child_process';
import { closeSync, openSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { SliceSource } from '../../../src/disk/source/slice.ts';
import { deriveLimits } from '../../../src/disk/volume/luks/derive.ts';
import { luks } from '../../../src/disk/volume/luks/luks.ts';
import { unlock } from '../../../src/disk/volume/luks/unlock.ts';
import { readPvHead } from '../../../src/disk/volume/lvm/label.ts';
import { levelName } from '../../../src/disk/volume/md/head.ts';
import { readMdHead } from '../../../src/disk/volume/md/superblock.ts';
import { findTool } from '../../../src/process/index.ts';
import type { Said } from './oracles.ts';
import type { Pages } from './pages.mjs';

const PAGE = 4096;
const KEY = Buffer.from('passphrase');

/** A part of a disk, of which both are asked. */
export interface Part {
  name: string;
  start: number;
  size: number;
}

/** A tool that reads one part of a disk, given as a file, without the kernel. */
interface VolumeOracle {
  tool: string;
  /** Undefined where it says nothing or complains. */
  theirs(file: string): string | undefined;
  /** Undefined where it is no such volume. @throws GvmError */
  ours(source: SliceSource): Promise<string | undefined>;
}

function told(tool: string, args: string[]): string | undefined {
  const env = { ...process.env, LC_ALL: 'C' };
  const { status, stdout } = spawnSync(findTool(tool) ?? tool, args, { env, encoding: 'latin1', timeout: 20_000 });
  return status === 0 ? stdout : undefined;
}

/** `Key : value` lines. */
const field = (text: string, key: string) =>
  new RegExp(`^[ \\t]*${key}[ \\t]*:[ \\t]*(.*?)[ \\t]*$`, 'm').exec(text)?.[1];

/** mdadm(8) shows a superblock, and says of a wrong sum what it expected. */
const mdadm: VolumeOracle = {
  tool: 'mdadm',
  theirs(file) {
    const text = told('mdadm', ['--examine', file]);
    if (!text || !/correct/.test(field(text, 'Checksum') ?? '')) return undefined;
    const uuid = field(text, '(?:Array )?UUID')?.split(/[ (]/, 1)[0]?.replaceAll(':', '');
    const [level, devices] = [field(text, 'Raid Level'), field(text, 'Raid Devices')];
    const data = field(text, 'Data Offset')?.replace(' sectors', '') ?? '0';
    return `${uuid} ${level} ${devices} from ${data}, version ${field(text, 'Version')?.replace(/^(0\.90).*/, '$1')}`;
  },
  async ours(source) {
    const head = await readMdHead(source);
    if (!head) return undefined;
    const { uuid, level, devices, dataStart, version } = head;
    return `${uuid} ${levelName(level)} ${devices} from ${dataStart / 512}, version ${version}`;
  },
};

/** pvck(8) reads a physical volume in a file, and checks sums. */
const pvck: VolumeOracle = {
  tool: 'pvck',
  theirs(file) {
    const text = told('pvck', ['--dump', 'metadata', file]);
    const found = /# vgname (\S+) seqno (\d+)$/m.exec(text ?? '');
    return found && !/^ *(CHECK|WARNING|FAIL)/m.test(text ?? '') ? `${found[1]} ${found[2]}` : undefined;
  },
  async ours(source) {
    const group = (await readPvHead(source))?.group;
    return group && `${group.name} ${group.seqno}`;
  },
};

/** cryptsetup(8) shows a header. */
const cryptsetup: VolumeOracle = {
  tool: 'cryptsetup',
  theirs(file) {
    const text = told('cryptsetup', ['luksDump', file]);
    if (text === undefined) return undefined;
    const opened = spawnSync(
      findTool('cryptsetup') ?? 'cryptsetup',
      ['open', '--test-passphrase', '--key-file', '-', file],
      // A header may ask for years of work.
      { input: KEY, timeout: 20_000, killSignal: 'SIGKILL' },
    );
    if (opened.signal) return undefined;
    const uuid = `${opened.status === 0 ? 'open' : 'locked'} ${field(text, 'UUID')?.replace('(no UUID)', '')}`;
    if (field(text, 'Version') === '1') {
      const cipher = `${field(text, 'Cipher name')}-${field(text, 'Cipher mode')}`;
      return `${uuid} ${cipher} from ${field(text, 'Payload offset')}`;
    }
    const data = text.slice(text.indexOf('Data segments:'));
    const from = Number(field(data, 'offset')?.replace(' [bytes]', '')) / 512;
    return `${uuid} ${field(data, 'cipher')} from ${from}`;
  },
  async ours(source) {
    const head = await luks.probe(source);
    if (head?.refused) throw new Error(head.refused);
    if (!head) return undefined;
    const key = await unlock(head, source, [KEY], deriveLimits).catch(() => undefined);
    return `${key ? 'open' : 'locked'} ${head.uuid} ${head.data.encryption} from ${head.data.offset / 512}`;
  },
};

/** By the kind of a sound image. */
export const volumeOracles: Readonly<Record<string, VolumeOracle>> = { md: mdadm, lvm: pvck, luks: cryptsetup };

/** A part of a disk as a file of its own: what a tool repairs in it is gone with the next. */
function write(file: string, disk: Pages, { start, size }: Part): void {
  writeFileSync(file, '');
  truncateSync(file, size);
  const handle = openSync(file, 'r+');
  for (const index of disk.numbers()) {
    const from = Math.max(index * PAGE, start);
    const length = Math.min((index + 1) * PAGE, start + size) - from;
    if (length > 0) writeSync(handle, disk.bytes(from, length), 0, length, from - start);
  }
  closeSync(handle);
}

/** What the tool says of each part, and what we say; undefined where one of them complains. */
export async function askBoth(
  { theirs, ours }: VolumeOracle,
  disk: Pages,
  parts: readonly Part[],
  folder: string,
  isTyped: (error: unknown) => boolean,
): Promise<{ ours: Said | string; theirs: Said | undefined }> {
  const [own, others]: [Said, Said] = [new Map(), new Map()];
  let trouble: string | undefined;
  for (const part of parts) {
    const file = join(folder, 'part');
    write(file, disk, part);
    const answer = theirs(file);
    if (answer !== undefined) others.set(part.name, answer);
    try {
      const said = await ours(new SliceSource(disk, part.start, part.size));
      if (said !== undefined) own.set(part.name, said);
    } catch (error) {
      if (!isTyped(error) && !(error instanceof Error && error.constructor === Error)) throw error;
      trouble ??= (error as Error).message;
      others.delete(part.name);
    }
  }
  return {
    ours: trouble !== undefined && own.size === 0 ? trouble : own,
    theirs: others.size > 0 ? others : undefined,
  };
}

// Reads: the text that describes a VMDK disk. Specification: VMware, Virtual Disk Format 5.0, "The Descriptor File".
// Does not read: change tracking, and extents of VMFS kinds other than flat ones, which are refused by name.
import { printable } from '../../core/index.ts';
import { unsupported } from '../trouble.ts';
import type { ImageFile } from './image-file.ts';

/** A run of the disk and where its bytes lie. */
export interface VmdkExtent {
  kind: 'flat' | 'sparse' | 'zero';
  /** Bytes. */
  length: number;
  /** Undefined for `zero`. */
  file: string | undefined;
  /** Bytes from the beginning of a flat file. */
  offset: number;
}

export interface VmdkDescriptor {
  /** Changes with each change of the disk; a child remembers its parent's. */
  id: string;
  type: string;
  parent: { name: string; id: string } | undefined;
  extents: VmdkExtent[];
}

export const DESCRIPTOR_MARK = '# Disk DescriptorFile';
/** QEMU's limit for a descriptor is 1 MiB as well. */
export const LARGEST_DESCRIPTOR = 2 ** 20;
const MOST_EXTENTS = 4096;
const NO_PARENT = 'ffffffff';
const SECTOR = 512;

const KINDS: Record<string, VmdkExtent['kind']> = { FLAT: 'flat', VMFS: 'flat', SPARSE: 'sparse', ZERO: 'zero' };

/**
 * @param at where the text begins in its file, for errors
 * @throws GvmError `image-corrupt`, `unsupported` with the kind of extent
 */
export function parseDescriptor(file: ImageFile, text: string, at: number): VmdkDescriptor {
  const corrupt = (what: string) => file.corrupt('VMDK descriptor', at, `the VMDK descriptor ${what}`);
  const end = text.indexOf('\0');
  const lines = (end < 0 ? text : text.slice(0, end)).split('\n').map((line) => line.trim());
  if (!lines[0]?.startsWith(DESCRIPTOR_MARK)) throw corrupt(`does not begin with "${DESCRIPTOR_MARK}"`);
  const values = new Map<string, string>();
  const extents: VmdkExtent[] = [];
  for (const line of lines) {
    const [, key, value] = /^([\w.]+)\s*=\s*"?([^"]*)"?$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) {
      // Who reads the first of two and who reads the last would read two different disks.
      if (values.has(key) && !key.startsWith('ddb.')) throw corrupt(`says ${key} twice`);
      values.set(key, value);
    } else if (/^(RW|RDONLY|NOACCESS)\s/.test(line)) {
      if (extents.length >= MOST_EXTENTS) throw corrupt(`has more than ${MOST_EXTENTS} extents`);
      extents.push(parseExtent(file, line, corrupt));
    }
  }
  const hint = values.get('parentFileNameHint');
  const parentId = idOf(values.get('parentCID') ?? NO_PARENT);
  if (parentId !== NO_PARENT && !hint) throw corrupt('has a parent and does not name it');
  if (parentId === NO_PARENT && hint) throw corrupt('names a parent and says that it has none');
  return {
    id: idOf(values.get('CID') ?? ''),
    type: values.get('createType') ?? '',
    parent: hint ? { name: hint, id: parentId } : undefined,
    extents,
  };
}

/** A number in hexadecimal digits, however it was written. */
const idOf = (text: string) => text.toLowerCase().replace(/^0+(?=.)/, '');

function parseExtent(file: ImageFile, line: string, corrupt: (what: string) => Error): VmdkExtent {
  const [, access, sectors, type = '', rest = ''] = /^(\w+)\s+(\d{1,16})\s+(\w+)(?:\s+(.*))?$/.exec(line) ?? [];
  const shown = printable(line.slice(0, 200));
  if (sectors === undefined) throw corrupt(`has an extent that cannot be read: ${shown}`);
  if (access === 'NOACCESS') throw unsupported(file.path, 'extents without access');
  const kind = Object.hasOwn(KINDS, type) ? KINDS[type] : undefined;
  if (kind === undefined) throw unsupported(file.path, `VMDK extents of the kind ${type}`);
  const length = Number(sectors) * SECTOR;
  if (length === 0 || !Number.isSafeInteger(length)) throw corrupt(`has an extent of ${sectors} sectors`);
  if (kind === 'zero') return { kind, length, file: undefined, offset: 0 };
  const [, name, offset = '0'] = /^"([^"]+)"(?:\s+(\d{1,16}))?/.exec(rest) ?? [];
  if (name === undefined || name.includes('\0')) throw corrupt(`has an extent without a file: ${shown}`);
  return { kind, length, file: name, offset: kind === 'flat' ? Number(offset) * SECTOR : 0 };
}

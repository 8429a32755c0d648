// Reads: the label of a physical volume, its header, and the metadata areas with the text that describes the group.
// Specification: lib/label/label.h, lib/format_text/layout.h and format-text.c of lvm2; pvck(8).
// Does not read: metadata of LVM1; text that a crash left half written (the committed one counts).
import { crc32 } from 'node:zlib';
import type { ByteView } from '../../../core/index.ts';
import type { BlockSource } from '../../source/source.ts';
import { asDiagnostic, type Diagnostic, view } from '../../trouble.ts';
import { parseMetadata, type Section } from './text.ts';

const SECTOR = 512;
const LABEL_SECTORS = 4;
const LABEL = 'LABELONE';
const TYPE = 'LVM2 001';
const AREA_HEADER = 512;
const AREA_MAGIC = ' LVM2 x[5A%r0N*>';
const MOST_AREAS = 16;
const LARGEST_TEXT = 16 * 2 ** 20;
const IGNORED = 1;

/** What one physical volume says. */
export interface PvHead {
  /** Its UUID without dashes. */
  id: string;
  /** The newest description of its group that is sound; undefined where it holds none. */
  group: { name: string; seqno: number; text: Section } | undefined;
  diagnostics: Diagnostic[];
}

/** The sum of lvm2: CRC-32 with a beginning of its own and without the last inversion. */
function sumOf(...parts: Buffer[]): number {
  let sum = ~0xf597a6cf >>> 0;
  for (const part of parts) sum = crc32(part, sum);
  return ~sum >>> 0;
}

/** @throws GvmError `corrupt` for a label that is there and damaged */
export async function readPvHead(source: BlockSource, signal?: AbortSignal): Promise<PvHead | undefined> {
  if (source.size < LABEL_SECTORS * SECTOR) return undefined;
  const head = view(await source.read(0, LABEL_SECTORS * SECTOR, signal), 'LVM2 label', 0);
  for (let sector = 0; sector < LABEL_SECTORS; sector++) {
    const label = head.view(sector * SECTOR, SECTOR);
    if (label.latin1(0, 8) !== LABEL || label.u64le(8) !== sector || label.latin1(24, 8) !== TYPE) continue;
    if (sumOf(label.slice(20, SECTOR - 20)) !== label.u32le(16)) throw label.corrupt(16, 'its checksum is wrong');
    const at = label.u32le(20);
    return readAreas(source, label.view(at, SECTOR - at, 'LVM2 physical volume'), signal);
  }
  return undefined;
}

async function readAreas(source: BlockSource, pv: ByteView, signal?: AbortSignal): Promise<PvHead> {
  const head: PvHead = { id: pv.latin1(0, 32), group: undefined, diagnostics: [] };
  // Two lists: where data may lie, which the text says better, and where metadata lies.
  let at = 40;
  const list = () => {
    const found: { offset: number; size: number }[] = [];
    for (; pv.big64le(at) !== 0n; at += 16) {
      if (found.length >= MOST_AREAS) throw pv.corrupt(at, `more than ${MOST_AREAS} areas`);
      found.push({ offset: pv.u64le(at), size: pv.u64le(at + 8) });
    }
    at += 16;
    return found;
  };
  list();
  for (const { offset, size } of list()) {
    try {
      const group = await readArea(source, offset, size, signal);
      if (group && group.seqno > (head.group?.seqno ?? -1)) head.group = group;
    } catch (error) {
      head.diagnostics.push(asDiagnostic(error));
    }
  }
  return head;
}

/** The committed text of a metadata area, which is written round and round in it. */
async function readArea(
  source: BlockSource,
  start: number,
  size: number,
  signal?: AbortSignal,
): Promise<PvHead['group']> {
  const area = view(await source.read(start, AREA_HEADER, signal), 'LVM2 metadata area', start);
  if (area.latin1(4, 16) !== AREA_MAGIC) throw area.corrupt(4, 'its magic number is missing');
  if (sumOf(area.slice(4, AREA_HEADER - 4)) !== area.u32le(0)) throw area.corrupt(0, 'its checksum is wrong');
  if (area.u32le(20) !== 1) throw area.corrupt(20, `version ${area.u32le(20)}`);
  if (area.u64le(24) !== start || area.u64le(32) !== size) throw area.corrupt(24, 'it was written for another place');
  const [offset, length, flags] = [area.u64le(40), area.u64le(48), area.u32le(60)];
  if (offset === 0 || flags & IGNORED) return undefined;
  if (offset < AREA_HEADER || offset >= size || length === 0 || length > Math.min(LARGEST_TEXT, size - AREA_HEADER)) {
    throw area.corrupt(40, `${length} bytes of text at ${offset} in an area of ${size}`);
  }
  const first = Math.min(length, size - offset);
  const parts = [await source.read(start + offset, first, signal)];
  if (first < length) parts.push(await source.read(start + AREA_HEADER, length - first, signal));
  if (sumOf(...parts) !== area.u32le(56)) throw area.corrupt(56, 'the checksum of its text is wrong');
  const text = view(Buffer.concat(parts), 'LVM2 metadata', start + offset);
  const root = parseMetadata(text);
  for (const [name, value] of root) {
    if (!(value instanceof Map)) continue;
    const seqno = value.get('seqno');
    if (typeof seqno !== 'number') throw text.corrupt(0, `the group ${name} has no seqno`);
    return { name, seqno, text: value };
  }
  throw text.corrupt(0, 'it describes no group');
}

// Reads: the two headers of LUKS2, of which the newest sound one counts, and the JSON behind it.
// Specification: LUKS2 On-Disk Format Specification 1.1.3 (cryptsetup, docs/on-disk-format-luks2.pdf).
// Does not read: integrity, several segments, a re-encryption that has not ended, hardware encryption (refused by name).
import { createHash } from 'node:crypto';
import type { BlockSource } from '../../source/source.ts';
import { asDiagnostic, type Diagnostic, view } from '../../trouble.ts';
import type { LuksHead } from './head.ts';
import { readJson } from './json.ts';

export const PRIMARY = 'LUKS\xba\xbe';
export const SECONDARY = 'SKUL\xba\xbe';
const BINARY = 4096;
const SUM = 448;
const SIZES = Array.from({ length: 9 }, (_, i) => 2 ** (14 + i));

interface Copy {
  seqid: number;
  /** Bytes of the whole header. */
  size: number;
  said: Pick<LuksHead, 'uuid' | 'label'> & ReturnType<typeof readJson>;
}

/** @throws GvmError `corrupt` where neither header is sound */
export async function readLuks2(source: BlockSource, signal?: AbortSignal): Promise<LuksHead> {
  const diagnostics: Diagnostic[] = [];
  let first: unknown;
  const attempt = async (offset: number, magic: string) => {
    try {
      return await readCopy(source, offset, magic, signal);
    } catch (error) {
      first ??= error;
      diagnostics.push(asDiagnostic(error));
      return undefined;
    }
  };
  const primary = await attempt(0, PRIMARY);
  // A damaged primary does not say where the secondary lies: it is looked for at every place where one can be.
  let secondary: Copy | undefined;
  for (const offset of primary ? [primary.size] : SIZES) {
    secondary ??= await attempt(offset, SECONDARY);
  }
  const copies = [primary, secondary].filter((one) => one !== undefined);
  const [best] = copies.sort((a, b) => b.seqid - a.seqid);
  if (!best) throw first;
  const damaged = diagnostics.filter(({ message }) => !message.includes('magic'));
  return { version: 2, ...best.said, diagnostics: copies.length === 2 ? [] : damaged.slice(0, 1) };
}

async function readCopy(source: BlockSource, offset: number, magic: string, signal?: AbortSignal): Promise<Copy> {
  const structure = `LUKS2 ${magic === PRIMARY ? 'header' : 'second header'}`;
  const head = view(await source.read(offset, BINARY, signal), structure, offset);
  if (head.slice(0, 6).toString('latin1') !== magic) throw head.corrupt(0, 'its magic number is missing');
  if (head.u16be(6) !== 2) throw head.corrupt(6, `version ${head.u16be(6)}`);
  const size = head.u64be(8);
  if (!SIZES.includes(size)) throw head.corrupt(8, `a header of ${size} bytes`);
  if (head.u64be(256) !== offset) throw head.corrupt(256, 'it was written for another place');
  const name = head.latin1(72, 32);
  if (name !== 'sha256') throw head.corrupt(72, 'a checksum of an unknown kind');
  const whole = Buffer.from(await source.read(offset, size, signal));
  whole.fill(0, SUM, SUM + 64);
  if (!createHash('sha256').update(whole).digest().equals(head.slice(SUM, 32))) {
    throw head.corrupt(SUM, 'its checksum is wrong');
  }
  const json = view(whole.subarray(BINARY), `${structure}'s JSON`, offset + BINARY);
  const label = head.slice(24, 48).toString('utf8').split('\0', 1)[0];
  return {
    seqid: head.u64be(16),
    size,
    said: { uuid: head.latin1(168, 40), label: label === '' ? undefined : label, ...readJson(json) },
  };
}

// Reads: the JSON area of LUKS2. Specification: LUKS2 On-Disk Format Specification 1.1.3, chapter 3.
import type { ByteView } from '../../../core/index.ts';
import type { Kdf, KeyDigest, KeySlot, LuksHead } from './head.ts';

const MOST = 32;
type Json = Record<string, unknown>;

/** @throws GvmError `corrupt` */
export function readJson(area: ByteView): Pick<LuksHead, 'slots' | 'digests' | 'data' | 'refused'> {
  const end = area.bytes.indexOf(0);
  let root: unknown;
  try {
    root = JSON.parse(area.bytes.toString('utf8', 0, end < 0 ? area.length : end));
  } catch {
    throw area.corrupt(0, 'it is no JSON');
  }
  // cryptsetup, too, takes such a header for damaged.
  if (end >= 0 && area.bytes.subarray(end).some((byte) => byte !== 0)) throw area.corrupt(end, 'more follows the JSON');
  const from = new Fields(area);
  const top = from.object(root, 'the document');
  const slots: (KeySlot & { priority: number })[] = [];
  for (const [number, one] of from.entries(top, 'keyslots')) {
    // Others hold what a re-encryption needs.
    if (one.type === 'luks2') slots.push(readSlot(from, number, one));
  }
  const digests: KeyDigest[] = from.entries(top, 'digests').map(([, one]) => {
    const kdf = readKdf(from, one);
    if (kdf.type !== 'pbkdf2') throw area.corrupt(0, 'a digest that is no pbkdf2');
    return { slots: from.texts(one, 'keyslots'), kdf, digest: from.base64(one, 'digest') };
  });
  const segments = from.entries(top, 'segments');
  const requirements = from.optional(from.optional(top, 'config'), 'requirements');
  const mandatory = from.texts(requirements, 'mandatory');
  const [, segment] = segments[0] ?? ['', undefined];
  if (!segment) throw area.corrupt(0, 'it has no segment');
  const refused =
    mandatory.length > 0
      ? `what it requires: ${mandatory.join(', ').replaceAll(/[^\w, .-]/g, '?')}`
      : segments.length > 1
        ? 'data in several segments'
        : segment.type !== 'crypt'
          ? 'a segment of another type than crypt'
          : segment.integrity !== undefined
            ? 'data with integrity tags'
            : undefined;
  const sectorSize = Number(segment.sector_size ?? 512);
  if (![512, 1024, 2048, 4096].includes(sectorSize)) throw area.corrupt(0, `sectors of ${sectorSize} bytes`);
  return {
    slots: slots.filter(({ priority }) => priority > 0).sort((a, b) => b.priority - a.priority),
    digests,
    refused,
    data: {
      offset: from.number(segment, 'offset'),
      size: segment.size === 'dynamic' ? undefined : from.number(segment, 'size'),
      encryption: refused ? '' : from.text(segment, 'encryption'),
      sectorSize,
      ivTweak: refused ? 0 : from.number(segment, 'iv_tweak'),
    },
  };
}

function readSlot(from: Fields, number: string, slot: Json): KeySlot & { priority: number } {
  const area = from.object(slot.area, 'area');
  const af = from.object(slot.af, 'af');
  return {
    number,
    priority: slot.priority === undefined ? 1 : from.number(slot, 'priority'),
    kdf: readKdf(from, from.object(slot.kdf, 'kdf')),
    keySize: from.number(slot, 'key_size'),
    stripes: from.number(af, 'stripes'),
    hash: from.text(af, 'hash'),
    area: {
      offset: from.number(area, 'offset'),
      size: from.number(area, 'size'),
      keySize: from.number(area, 'key_size'),
      encryption: from.text(area, 'encryption'),
    },
  };
}

function readKdf(from: Fields, kdf: Json): Kdf {
  const salt = from.base64(kdf, 'salt');
  const type = from.text(kdf, 'type');
  if (type === 'pbkdf2')
    return { type, salt, hash: from.text(kdf, 'hash'), iterations: from.number(kdf, 'iterations') };
  if (type !== 'argon2i' && type !== 'argon2id') throw from.wrong('kdf');
  return {
    type,
    salt,
    time: from.number(kdf, 'time'),
    memoryKiB: from.number(kdf, 'memory'),
    lanes: from.number(kdf, 'cpus'),
  };
}

/** Takes fields of the kind that is expected out of JSON; numbers may be written as strings. */
class Fields {
  readonly #area: ByteView;

  constructor(area: ByteView) {
    this.#area = area;
  }

  wrong(key: string): Error {
    return this.#area.corrupt(0, `${key} is missing, or not of its kind`);
  }

  object(value: unknown, key: string): Json {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
    throw this.wrong(key);
  }

  optional(from: Json | undefined, key: string): Json | undefined {
    const value = from?.[key];
    return value === undefined ? undefined : this.object(value, key);
  }

  entries(from: Json, key: string): [string, Json][] {
    const all = Object.entries(this.object(from[key], key));
    if (all.length > MOST) throw this.#area.corrupt(0, `${all.length} ${key}`);
    return all.map(([name, value]) => [name, this.object(value, key)]);
  }

  text(from: Json, key: string): string {
    const value = from[key];
    if (typeof value === 'string' && value.length <= 64) return value;
    throw this.wrong(key);
  }

  texts(from: Json | undefined, key: string): string[] {
    const value = from?.[key];
    if (value === undefined) return [];
    if (!Array.isArray(value) || value.length > MOST) throw this.wrong(key);
    return value.filter((one) => typeof one === 'string');
  }

  number(from: Json, key: string): number {
    const value = from[key];
    const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
    if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number;
    throw this.wrong(key);
  }

  base64(from: Json, key: string): Buffer {
    const value = from[key];
    if (typeof value === 'string' && value.length <= 1024) return Buffer.from(value, 'base64');
    throw this.wrong(key);
  }
}

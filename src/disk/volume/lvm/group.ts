import { corrupt } from '../../trouble.ts';
import type { Scalar, Section, Value } from './text.ts';

/** A part of a logical volume. Starts and counts are extents. */
export interface Segment {
  start: number;
  count: number;
  type: string;
  /** Bytes that go to one stripe before the next gets some. */
  stripeSize: number;
  /** Where it lies: physical volumes by their names in the text, or logical ones, each from an extent on. */
  stripes: { on: string; extent: number }[];
  /** Names of the logical volumes of a raid: metadata and image of each leg. */
  legs: { meta: string; image: string }[];
  /** The other logical volumes that it names: `origin`, `cow_store`, … */
  names: Map<string, string>;
}

export interface LogicalVolume {
  name: string;
  visible: boolean;
  segments: Segment[];
}

export interface PhysicalVolume {
  /** Without dashes. */
  id: string;
  /** Whether the group itself gave it up. */
  missing: boolean;
  /** Bytes from its beginning to its first extent. */
  start: number;
  count: number;
}

/** A volume group as its text describes it. */
export interface Group {
  id: string;
  name: string;
  seqno: number;
  /** Bytes. */
  extent: number;
  physical: Map<string, PhysicalVolume>;
  logical: Map<string, LogicalVolume>;
}

const SECTOR = 512;
const NAME = /^[\w.+][\w.+-]{0,127}$/;
const ID = /^[\w-]{1,40}$/;
const MOST_VOLUMES = 4096;
const MOST_SEGMENTS = 65_536;
const MOST_STRIPES = 256;

/** @throws GvmError `corrupt` */
export function readGroup(name: string, text: Section): Group {
  const at = new Reader(`LVM2 volume group ${NAME.test(name) ? name : ''}`.trim());
  if (!NAME.test(name)) throw at.wrong('a name that no group can have');
  const extent = at.count(text, 'extent_size') * SECTOR;
  if (extent === 0 || extent > 2 ** 45) throw at.wrong(`extents of ${extent} bytes`);
  const physical = new Map<string, PhysicalVolume>();
  for (const [key, one] of at.sections(text, 'physical_volumes')) {
    physical.set(key, {
      id: at.text(one, 'id').replaceAll('-', ''),
      missing: at.words(one, 'flags').includes('MISSING'),
      start: at.count(one, 'pe_start') * SECTOR,
      count: at.count(one, 'pe_count'),
    });
  }
  const logical = new Map<string, LogicalVolume>();
  let left = MOST_SEGMENTS;
  for (const [key, one] of at.sections(text, 'logical_volumes')) {
    if (!NAME.test(key)) throw at.wrong('a name that no volume can have');
    const segments: Segment[] = [];
    let next = 0;
    const count = at.count(one, 'segment_count');
    left -= count;
    if (left < 0) throw at.wrong(`more than ${MOST_SEGMENTS} segments`);
    for (let number = 1; number <= count; number++) {
      const segment = readSegment(at, at.section(one, `segment${number}`));
      if (segment.start !== next || segment.count === 0)
        throw at.wrong(`the segments of ${key} leave a gap or overlap`);
      next += segment.count;
      if (next * extent > Number.MAX_SAFE_INTEGER) throw at.wrong(`${key} has ${next} extents`);
      segments.push(segment);
    }
    logical.set(key, { name: key, visible: at.words(one, 'status').includes('VISIBLE'), segments });
  }
  const id = at.text(text, 'id');
  if (!ID.test(id)) throw at.wrong('an id that no group can have');
  return { id, name, seqno: at.count(text, 'seqno'), extent, physical, logical };
}

function readSegment(at: Reader, text: Section): Segment {
  const stripes: Segment['stripes'] = [];
  const list = at.list(text, text.has('mirrors') ? 'mirrors' : 'stripes');
  for (let i = 0; i < list.length; i += 2) {
    const [on, extent] = [list[i], list[i + 1]];
    if (typeof on !== 'string' || typeof extent !== 'number' || extent < 0)
      throw at.wrong('a stripe that lies nowhere');
    stripes.push({ on, extent });
  }
  const raids = at.list(text, 'raids');
  const legs: Segment['legs'] = [];
  for (let i = 0; i + 1 < raids.length; i += 2) legs.push({ meta: String(raids[i]), image: String(raids[i + 1]) });
  if (stripes.length > MOST_STRIPES || legs.length > MOST_STRIPES) throw at.wrong(`more than ${MOST_STRIPES} stripes`);
  const names = new Map<string, string>();
  for (const [key, value] of text) if (typeof value === 'string') names.set(key, value);
  return {
    start: at.count(text, 'start_extent'),
    count: at.count(text, 'extent_count'),
    type: at.text(text, 'type'),
    stripeSize: text.has('stripe_size') ? at.count(text, 'stripe_size') * SECTOR : 0,
    stripes,
    legs,
    names,
  };
}

/** Takes values of the kind that is expected out of sections. */
class Reader {
  readonly #structure: string;

  constructor(structure: string) {
    this.#structure = structure;
  }

  wrong(what: string): Error {
    return corrupt(this.#structure, 0, what);
  }

  #need<T extends Value>(from: Section, key: string, is: (value: Value) => value is T): T {
    const value = from.get(key);
    if (value !== undefined && is(value)) return value;
    throw this.wrong(`${key} is missing, or not of its kind`);
  }

  count(from: Section, key: string): number {
    const isCount = (value: Value): value is number =>
      typeof value === 'number' && Number.isInteger(value) && value >= 0;
    return this.#need(from, key, isCount);
  }

  text(from: Section, key: string): string {
    return this.#need(from, key, (value): value is string => typeof value === 'string');
  }

  section(from: Section, key: string): Section {
    return this.#need(from, key, (value): value is Section => value instanceof Map);
  }

  list(from: Section, key: string): Scalar[] {
    const value = from.get(key);
    return Array.isArray(value) ? value : [];
  }

  words(from: Section, key: string): string[] {
    return this.list(from, key).filter((word) => typeof word === 'string');
  }

  /** The sections within a section, which may be absent. */
  sections(from: Section, key: string): [string, Section][] {
    const found = from.get(key);
    if (!(found instanceof Map)) return [];
    if (found.size > MOST_VOLUMES) throw this.wrong(`more than ${MOST_VOLUMES} volumes`);
    return [...found].filter((entry): entry is [string, Section] => entry[1] instanceof Map);
  }
}

// Reads: segments of the types striped (linear with one stripe), mirror, raid1, zero; legs and pieces that are missing are
// told, and reading what lies there alone is `corrupt`.
// Specification: lvmraid(7), lib/format_text/import_vsn1.c and the segment types in lib/ of lvm2; Documentation/
// admin-guide/device-mapper/dm-raid.rst of Linux.
// Does not read: snapshots, thin, cache, vdo, writecache, integrity, raid 0, 4, 5, 6 and 10 (refused by name).
import { MappedSource, type Place } from '../../source/mapped.ts';
import type { BlockSource } from '../../source/source.ts';
import { ZeroSource } from '../../source/zero.ts';
import { corrupt, unsupported } from '../../trouble.ts';
import type { Group, LogicalVolume, Segment } from './group.ts';
import { freshLegs } from './raid.ts';

const DEEPEST = 6;
const ENTRY = 'LVM2 volume';

/** The physical volumes of a group that are there, by their names in its text. */
export type Present = ReadonlyMap<string, { name: string; source: BlockSource }>;

/** What is learnt while a volume is opened. */
export interface Trace {
  say(message: string): void;
  /** The members that it lies on, by name. */
  on: Set<string>;
}

interface Piece {
  start: number;
  end: number;
  locate(offset: number): Place;
}

/** Makes the logical volumes of one group readable. */
export class Volumes {
  readonly #group: Group;
  readonly #present: Present;
  readonly #signal: AbortSignal | undefined;

  constructor(group: Group, present: Present, signal?: AbortSignal) {
    this.#group = group;
    this.#present = present;
    this.#signal = signal;
  }

  /**
   * The bytes of a logical volume.
   * @param trace is told what is missing, and what it lies on
   * @throws GvmError `unsupported` (names the segment type), `corrupt`
   */
  open(volume: LogicalVolume, trace: Trace): Promise<BlockSource> {
    return this.#open(volume, trace, 0);
  }

  async #open(volume: LogicalVolume, trace: Trace, depth: number): Promise<BlockSource> {
    const { extent } = this.#group;
    if (depth > DEEPEST) throw this.#wrong(volume, `volumes deeper than ${DEEPEST} within each other`);
    const pieces: Piece[] = [];
    for (const segment of volume.segments) {
      const start = segment.start * extent;
      const locate = await this.#segment(volume, segment, trace, depth);
      pieces.push({ start, end: start + segment.count * extent, locate: (offset) => locate(offset - start) });
    }
    const size = pieces.at(-1)?.end ?? 0;
    if (size === 0) throw this.#wrong(volume, 'it has no extents');
    return new MappedSource(size, (offset) => {
      const { locate, end } = pieceAt(pieces, offset);
      const place = locate(offset);
      return { ...place, length: Math.min(place.length, end - offset) };
    });
  }

  async #segment(
    volume: LogicalVolume,
    segment: Segment,
    trace: Trace,
    depth: number,
  ): Promise<(offset: number) => Place> {
    const size = segment.count * this.#group.extent;
    switch (segment.type) {
      case 'striped':
      case 'linear':
        return this.#striped(volume, segment, trace, depth);
      case 'mirror': {
        const images = segment.stripes.map(({ on, extent }) => ({ volume: this.#logical(volume, on), extent }));
        return this.#copies(volume, images, size, trace, depth);
      }
      case 'raid1': {
        const legs = segment.legs.map(({ meta, image }) => ({
          meta: this.#logical(volume, meta),
          image: this.#logical(volume, image),
        }));
        const open = (one: LogicalVolume) =>
          this.#whole(one) && this.#open(one, { ...trace, say: () => {} }, depth + 1);
        const usable = await freshLegs(
          legs,
          async ({ meta }) => (await open(meta)) || undefined,
          trace.say,
          this.#signal,
        );
        const images = usable.map(({ image }) => ({ volume: image, extent: 0 }));
        return this.#copies(volume, images, size, trace, depth);
      }
      case 'zero':
        return (offset) => ({ source: new ZeroSource(size), at: offset, length: size - offset });
      default:
        throw unsupported(
          `${ENTRY} ${this.#group.name}/${volume.name}`,
          `segments of the type ${printableType(segment.type)}`,
        );
    }
  }

  /** Extents of one or several volumes, in turn. */
  async #striped(
    volume: LogicalVolume,
    segment: Segment,
    trace: Trace,
    depth: number,
  ): Promise<(offset: number) => Place> {
    const { extent } = this.#group;
    const count = segment.stripes.length;
    const size = (segment.count * extent) / count;
    const stripe = count === 1 ? size : segment.stripeSize;
    if (count === 0 || !Number.isSafeInteger(size) || stripe < 512 || size % stripe !== 0) {
      throw this.#wrong(volume, `${segment.count} extents in ${count} stripes of ${stripe} bytes`);
    }
    const places: (Place | string)[] = [];
    for (const { on, extent: first } of segment.stripes) {
      const place = await this.#stripe(volume, on, first, trace, depth);
      if (typeof place !== 'string' && place.length < size)
        throw this.#wrong(volume, `it reaches beyond the end of ${on}`);
      places.push(place);
    }
    return (offset) => {
      const number = Math.floor(offset / stripe);
      const within = offset % stripe;
      const place = places[number % count] as Place | string;
      if (typeof place === 'string') throw this.#wrong(volume, place);
      return {
        source: place.source,
        at: place.at + Math.floor(number / count) * stripe + within,
        length: stripe - within,
      };
    };
  }

  /** Where the extents of a stripe begin, and how much there is from there on; or what is missing. */
  async #stripe(
    volume: LogicalVolume,
    on: string,
    first: number,
    trace: Trace,
    depth: number,
  ): Promise<Place | string> {
    const { extent, physical } = this.#group;
    const pv = physical.get(on);
    if (!pv) {
      const source = await this.#open(this.#logical(volume, on), trace, depth + 1);
      return { source, at: first * extent, length: source.size - first * extent };
    }
    const found = this.#present.get(on);
    if (!found) {
      const what = `its physical volume ${on} is missing`;
      trace.say(what);
      return what;
    }
    trace.on.add(found.name);
    const at = pv.start + first * extent;
    return { source: found.source, at, length: Math.min(found.source.size, pv.start + pv.count * extent) - at };
  }

  /** The first copy all of which is there. */
  async #copies(
    volume: LogicalVolume,
    images: readonly { volume: LogicalVolume; extent: number }[],
    size: number,
    trace: Trace,
    depth: number,
  ): Promise<(offset: number) => Place> {
    const whole = images.filter((image) => this.#whole(image.volume));
    for (const { segments } of whole.map((image) => image.volume)) {
      for (const { on } of segments.flatMap(({ stripes }) => stripes)) trace.on.add(this.#present.get(on)?.name ?? on);
    }
    const lost = images.length - whole.length;
    if (lost > 0) trace.say(`${lost} of its ${images.length} copies are missing`);
    const [image] = whole;
    if (!image) throw this.#wrong(volume, 'no copy of its data is there');
    const source = await this.#open(image.volume, trace, depth + 1);
    const start = image.extent * this.#group.extent;
    if (start + size > source.size) throw this.#wrong(volume, `it is larger than ${image.volume.name}`);
    return (offset) => ({ source, at: start + offset, length: size - offset });
  }

  /** Whether every physical volume is there that a volume of plain segments lies on. */
  #whole({ segments }: LogicalVolume): boolean {
    return segments.every(({ stripes }) => stripes.every(({ on }) => this.#present.has(on)));
  }

  #logical(volume: LogicalVolume, name: string): LogicalVolume {
    const found = this.#group.logical.get(name);
    if (found && found !== volume) return found;
    throw this.#wrong(volume, 'it lies on a volume that the group does not have');
  }

  #wrong(volume: LogicalVolume, what: string): Error {
    return corrupt(`${ENTRY} ${this.#group.name}/${volume.name}`, 0, what);
  }
}

function pieceAt(pieces: readonly Piece[], offset: number): Piece {
  let [low, high] = [0, pieces.length - 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((pieces[middle] as Piece).end <= offset) low = middle + 1;
    else high = middle;
  }
  return pieces[low] as Piece;
}

function printableType(type: string): string {
  return /^[\w+-]{1,40}$/.test(type) ? type : 'that has no name';
}

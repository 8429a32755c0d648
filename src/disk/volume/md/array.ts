// Reads: arrays of level 0 (also of devices of different sizes), 1, 10 (near, far, offset) and linear, with devices missing
// as long as the data is whole.
// Specification: md(4); drivers/md/raid0.c, raid10.c and md-linear.c of Linux for where a chunk lies.
// Does not read: levels 4, 5 and 6 (refused by name).
import { GvmError } from '../../../errors/index.ts';
import { MappedSource, type Place } from '../../source/mapped.ts';
import type { BlockSource } from '../../source/source.ts';
import { corrupt, type Diagnostic, unsupported } from '../../trouble.ts';
import type { Made, Member } from '../manager.ts';
import { chunkedLevel, farLayout, stripedZones } from './geometry.ts';
import { levelName, type MdHead } from './head.ts';

/** A device in its place in the array. */
interface Leg {
  source: BlockSource;
  head: MdHead;
}

/** The array that devices with one UUID make. */
export function assembleArray(members: readonly Member<MdHead>[]): Made {
  const fresh = members.reduce((best, one) => (one.head.events > best.head.events ? one : best)).head;
  const structure = `MD array ${fresh.name}`;
  const diagnostics: Diagnostic[] = [];
  const say = (message: string) =>
    diagnostics.push({ structure, offset: undefined, message: `${structure}: ${message}` });
  const made = (source: Made['source']): Made => ({
    name: fresh.name,
    how: `MD ${levelName(fresh.level)}`,
    on: members.map(({ name }) => name),
    source,
    diagnostics,
  });
  try {
    if (fresh.devices === 0 || fresh.devices > MOST_DEVICES)
      throw corrupt(structure, fresh.place, `${fresh.devices} devices`);
    const legs = placeLegs(members, fresh, say);
    const missing = Array.from(legs, (leg, role) => (leg ? -1 : role)).filter((role) => role >= 0);
    if (missing.length > 0)
      say(`${missing.length} of its ${fresh.devices} devices are missing (${missing.join(', ')})`);
    if (fresh.resyncing && fresh.level > 0) say('its copies were not alike yet when it was stopped; the first is read');
    return made(sourceOf(legs, fresh, structure));
  } catch (error) {
    if (!(error instanceof GvmError)) throw error;
    return made(error);
  }
}

const MOST_DEVICES = 384;

/** The usable device of each place, by the freshest superblock's word. */
function placeLegs(
  members: readonly Member<MdHead>[],
  fresh: MdHead,
  say: (message: string) => void,
): (Leg | undefined)[] {
  const legs: (Leg | undefined)[] = Array.from({ length: fresh.devices }, () => undefined);
  // A device with bad blocks comes last, so that another takes its place where there is one.
  for (const { name, source, head } of [...members].sort(
    (a, b) => Number(a.head.badBlocks) - Number(b.head.badBlocks),
  )) {
    const role = fresh.roles[head.number];
    // As the kernel has it: one event less is what a crash between two writes leaves.
    if (head.events + 1 < fresh.events)
      say(`${name} is older than the others (${head.events} events, not ${fresh.events}) and is left out`);
    else if (head.level !== fresh.level || head.chunk !== fresh.chunk)
      say(`${name} describes another array and is left out`);
    else if (role === undefined || role >= fresh.devices) say(`${name} is a spare or was taken out`);
    else if (!head.filled) say(`${name} was still being filled and is left out`);
    else if (legs[role]) say(`${name} has the place of another device and is left out`);
    else {
      if (head.badBlocks) say(`${name} has a list of bad blocks, which is not looked at`);
      legs[role] = { source, head };
    }
  }
  return legs;
}

function sourceOf(legs: readonly (Leg | undefined)[], fresh: MdHead, structure: string): BlockSource {
  const absent = (role: number) =>
    corrupt(structure, fresh.place, `device ${role} is missing, and no copy of its data is there`);
  const whole = () => legs.map((leg, role) => leg ?? fail(absent(role)));
  const place = ({ source, head }: Leg, at: number, length: number): Place => {
    if (length <= 0 || at + length > head.dataSize)
      throw corrupt(structure, head.place, 'its data reaches beyond a device');
    return { source, at: head.dataStart + at, length };
  };
  switch (fresh.level) {
    case 1: {
      const leg = legs.find((one) => one !== undefined) ?? fail(absent(0));
      return new MappedSource(fresh.used, (offset) => place(leg, offset, fresh.used - offset));
    }
    case -1: {
      const all = whole();
      const sizes = all.map(({ head }) =>
        fresh.chunk > 0 ? head.dataSize - (head.dataSize % fresh.chunk) : head.dataSize,
      );
      const size = sizes.reduce((sum, one) => sum + one, 0);
      return new MappedSource(size, (offset) => {
        let [role, at] = [0, offset];
        for (; at >= (sizes[role] as number); role++) at -= sizes[role] as number;
        return place(all[role] as Leg, at, (sizes[role] as number) - at);
      });
    }
    case 0: {
      const all = whole();
      const chunk = chunkedLevel(fresh, structure);
      const { size, locate } = stripedZones(
        all.map(({ head }) => head.dataSize),
        chunk,
        fresh,
        structure,
      );
      return new MappedSource(size, (offset) => {
        const { role, at, length } = locate(offset);
        return place(all[role] as Leg, at, length);
      });
    }
    case 10: {
      const { size, copies } = farLayout(fresh, chunkedLevel(fresh, structure), structure);
      // Which copies are there is the same for every chunk that begins on the same device.
      return new MappedSource(size, (offset) => {
        const within = offset % fresh.chunk;
        for (const { role, at } of copies(offset - within)) {
          const leg = legs[role];
          if (leg) return place(leg, at + within, fresh.chunk - within);
        }
        throw absent([...copies(offset - within)][0]?.role ?? 0);
      });
    }
    default:
      throw unsupported(structure, `level ${levelName(fresh.level)}`);
  }
}

function fail(error: Error): never {
  throw error;
}

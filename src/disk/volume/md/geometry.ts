// Where the chunks of an array lie. Specification: md(4); setup_geo and __raid10_find_phys in drivers/md/raid10.c,
// create_strip_zones and map_sector in drivers/md/raid0.c of Linux.
import { corrupt, unsupported } from '../../trouble.ts';
import type { MdHead } from './head.ts';

/** A place on a device of an array, in bytes from where its data begins. */
export interface ChunkPlace {
  role: number;
  at: number;
}

/** The chunk size of an array that has chunks. @throws GvmError `corrupt` */
export function chunkedLevel({ chunk, place }: MdHead, structure: string): number {
  if (chunk < 4096 || chunk > 2 ** 30 || chunk % 512 !== 0) throw corrupt(structure, place, `chunks of ${chunk} bytes`);
  return chunk;
}

interface Zone {
  /** Bytes from the beginning of the array. */
  start: number;
  end: number;
  /** Bytes from the beginning of the data of each device. */
  from: number;
  roles: number[];
}

/**
 * Level 0: chunks go round over all devices until the smallest is full, then over those that are left.
 * @throws GvmError `unsupported` where the order of the second zone is not known
 */
export function stripedZones(
  sizes: readonly number[],
  chunk: number,
  head: MdHead,
  structure: string,
): { size: number; locate(offset: number): ChunkPlace & { length: number } } {
  const whole = sizes.map((size) => size - (size % chunk));
  const zones: Zone[] = [];
  let [start, from] = [0, 0];
  for (const level of [...new Set(whole)].sort((a, b) => a - b)) {
    const roles = [...whole.keys()].filter((role) => (whole[role] as number) > from);
    if (level === from) continue;
    const end = start + (level - from) * roles.length;
    zones.push({ start, end, from, roles });
    [start, from] = [end, level];
  }
  // One device alone is in the same place by either order.
  if (zones.length > 1 && head.zones === undefined) {
    throw unsupported(
      structure,
      'level raid0 over devices of different sizes by a kernel that did not note its layout',
    );
  }
  const locate = (offset: number) => {
    const zone = zones.find(({ end }) => offset < end) as Zone;
    const within = offset % chunk;
    const number = Math.floor((offset - zone.start) / chunk);
    const turn = head.zones === 'original' ? Math.floor(offset / chunk) : number;
    return {
      role: zone.roles[turn % zone.roles.length] as number,
      at: zone.from + Math.floor(number / zone.roles.length) * chunk + within,
      length: chunk - within,
    };
  };
  return { size: start, locate };
}

/**
 * Level 10: each chunk in several copies, near (side by side), far (in other parts of the devices) or offset (in the next
 * stripe). `copies` yields them in the kernel's order, the first being the one that lies nearest.
 * @throws GvmError `corrupt`, `unsupported`
 */
export function farLayout(
  head: MdHead,
  chunk: number,
  structure: string,
): { size: number; copies(offset: number): Generator<ChunkPlace> } {
  const { layout, devices, used } = head;
  const [near, far] = [layout & 255, (layout >>> 8) & 255];
  const [offset, sets] = [(layout & 0x10000) !== 0, layout >>> 17];
  if (near === 0 || far === 0 || near * far > devices)
    throw corrupt(structure, head.place, `layout 0x${layout.toString(16)}`);
  // Near copies that wrap around would take the places of the offset ones; mdadm makes no such array.
  const collides = offset && near > 1 && devices % near !== 0;
  if ((sets !== 0 && sets !== 2) || collides) {
    throw unsupported(structure, `level raid10 in layout 0x${layout.toString(16)}`);
  }
  const setSize = sets === 0 ? devices : far * near;
  const lastStart = (Math.floor(devices / setSize) - 1) * setSize;
  const lastSize = devices - lastStart;
  const perDevice = Math.floor(Math.floor(used / chunk) / far);
  const chunks = Math.floor((perDevice * devices) / near);
  const stride = offset ? chunk : Math.floor(Math.ceil((chunks * near * far) / devices) / far) * chunk;
  function* copies(start: number): Generator<ChunkPlace> {
    const number = (start / chunk) * near;
    let device = number % devices;
    let at = Math.floor(number / devices) * chunk * (offset ? far : 1);
    for (let copy = 0; copy < near; copy++) {
      let [role, place] = [device, at];
      yield { role, at: place };
      for (let turn = 1; turn < far; turn++) {
        const set = Math.floor(role / setSize);
        role += near;
        if (devices % setSize !== 0 && role > lastStart) role = ((role - lastStart) % lastSize) + lastStart;
        else role = (role % setSize) + setSize * set;
        place += stride;
        yield { role, at: place };
      }
      if (++device >= devices) {
        device = 0;
        at += chunk;
      }
    }
  }
  return { size: chunks * chunk, copies };
}

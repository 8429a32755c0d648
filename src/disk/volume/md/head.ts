/** What one device says of its array. Sizes and places are bytes. */
export interface MdHead {
  /** As mdadm(8) writes it: 0.90, 1.0, 1.1, 1.2. */
  version: string;
  /** Of the array, 32 hexadecimal digits. */
  uuid: string;
  /** The name by which Linux makes its device: `md0` or `md/NAME`. */
  name: string;
  /** 0, 1, 10, 4, 5, 6; -1 is linear. */
  level: number;
  layout: number;
  chunk: number;
  /** Devices that the array has when it is whole. */
  devices: number;
  /** What each device gives to an array with copies; 0 where each gives what it has. */
  used: number;
  /** Where the data begins, and how much room there is for it. */
  dataStart: number;
  dataSize: number;
  /** The number of this device, by which the freshest superblock knows its place. */
  number: number;
  /** Places in the array by the numbers of devices; undefined for a spare or a faulty one. */
  roles: (number | undefined)[];
  /** Grows with every change of the array: the device with most is right. */
  events: number;
  /** Whether it has all data of its place, or is still being filled. */
  filled: boolean;
  /** Whether copies were being made alike. */
  resyncing: boolean;
  /** Whether it has noted blocks that cannot be read. */
  badBlocks: boolean;
  /** Of a multi-zone array of level 0: how its zones are laid out, where it is said. */
  zones: 'original' | 'alternate' | undefined;
  /** Where the superblock stands. */
  place: number;
}

export const MAGIC = 0xa92b4efc;
export const SECTOR = 512;
const LEVELS: Record<number, string> = { [-1]: 'linear', [-4]: 'multipath', [-10]: 'container' };

export function levelName(level: number): string {
  return LEVELS[level] ?? `raid${level}`;
}

/** A name that can stand in a path; what is no such name is told by the beginning of the array's UUID. */
export function arrayName(name: string, uuid: string): string {
  if (/^\d{1,4}$/.test(name)) return `md${name}`;
  return `md/${/^[\w+-][\w.+-]{0,63}$/.test(name) ? name : uuid.slice(0, 8)}`;
}

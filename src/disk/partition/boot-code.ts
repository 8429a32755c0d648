// Reads: whose code a BIOS finds in the first sector of a partitioned disk.
// Specification: none; what the code says when it fails, in the boot.img of GRUB and the MBRs of SYSLINUX.
// Does not read: what the code loads, and whether that is there.

/** Bytes before the number and the table of the disk. */
const CODE = 440;

const loaders: readonly [name: string, said: RegExp][] = [
  ['GRUB', /GRUB \0Geom\0/],
  ['SYSLINUX', /Operating system load error\.|Missing OS\r\n/],
];

/** The boot loader whose code a sector has, `unknown` for other code; undefined where there is none. */
export function bootCodeOf(sector: Uint8Array): string | undefined {
  const code = Buffer.from(sector.subarray(0, CODE));
  if (code.every((byte) => byte === 0)) return undefined;
  const text = code.toString('latin1');
  return loaders.find(([, said]) => said.test(text))?.[0] ?? 'unknown';
}

import type { Stage } from '../../schema/index.ts';

/** The stages of a boot that a console can show, in their order. */
export const bootStages = [
  'qemu',
  'firmware',
  'loader',
  'kernel',
  'initrd',
  'init',
  'network',
  'ssh',
] as const satisfies Stage[];

/** Lines by which a stage is known to have begun. */
const marks: readonly (readonly [stage: Stage, pattern: RegExp])[] = [
  ['firmware', /^SeaBIOS \(version|^BdsDxe: |^UEFI (?:firmware|Interactive)|^iPXE /],
  ['loader', /GNU GRUB|Welcome to GRUB|^GRUB loading|^Loading (?:Linux|initial ramdisk)|^SYSLINUX |systemd-boot/],
  ['kernel', /^Booting from ROM|^(?:EFI stub: )?(?:Loaded initrd|Decompressing Linux)|^Linux version /],
  [
    'initrd',
    /Run \/init as init process|^gvm: stage initramfs|^gvm-initramfs:|dracut|^Loading, please wait|^Begin: |running in initrd/i,
  ],
  [
    'init',
    /^\s*OpenRC [\d.]+|^INIT: version|Welcome to (?!GRUB)\S.*!|running in system mode|^gvm: stage init$|Run \/sbin\/init as init process/,
  ],
  ['network', /(?:Bringing up|Starting) (?:the )?(?:network|interface)|Reached target.*Network|udhcpc: |dhcpcd-?\d/i],
  ['ssh', /(?:Starting|Started) .*\bs(?:sh|shd|ecure shell)\b|Server listening on .* port 22\b/i],
];

/** printk's stamp, with the level before it (`<4>`) and the caller after it (`[T1]`) where they are switched on. */
const STAMP = /^(?:<\d+>)?\[ *\d+\.\d{6}\](?:\[ *[TC]\d+\])? /;

/** A line without printk's stamp, and whether it had one. */
export function unstamp(line: string): { text: string; stamped: boolean } {
  const stamp = STAMP.exec(line);
  return stamp ? { text: line.slice(stamp[0].length), stamped: true } : { text: line, stamped: false };
}

/** The stage that a line shows to have begun; undefined for all other lines. */
export function stageOf(line: string): Stage | undefined {
  const { text, stamped } = unstamp(line);
  return marks.findLast(([, pattern]) => pattern.test(text))?.[0] ?? (stamped ? 'kernel' : undefined);
}

/** The place of a stage in the order of a boot. */
export function stageOrder(stage: Stage): number {
  return (bootStages as readonly Stage[]).indexOf(stage);
}

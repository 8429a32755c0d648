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
  [
    'kernel',
    /^Booting from ROM|^(?:EFI stub: )?(?:Loaded initrd|Decompressing Linux)|^\[ *\d+\.\d{6}\]|^Linux version /,
  ],
  ['initrd', /Run \/init as init process|^gvm-initramfs:|dracut|^Loading, please wait|^Begin: |running in initrd/i],
  ['init', /^\s*OpenRC [\d.]+|^INIT: version|Welcome to \S.*!|running in system mode|Run \/sbin\/init as init process/],
  ['network', /(?:Bringing up|Starting) (?:the )?(?:network|interface)|Reached target.*Network|udhcpc: |dhcpcd-?\d/i],
  ['ssh', /(?:Starting|Started) .*\bs(?:sh|shd|ecure shell)\b|Server listening on .* port 22\b/i],
];

/** The stage that a line shows to have begun; undefined for all other lines. */
export function stageOf(line: string): Stage | undefined {
  return marks.findLast(([, pattern]) => pattern.test(line))?.[0];
}

/** The place of a stage in the order of a boot. */
export function stageOrder(stage: Stage): number {
  return (bootStages as readonly Stage[]).indexOf(stage);
}

import { btrfsDevices } from '../fs/btrfs/devices.ts';
import { luks } from './luks/luks.ts';
import { lvm } from './lvm/lvm.ts';
import type { VolumeManager } from './manager.ts';
import { md } from './md/md.ts';

/**
 * Every kind of volume manager, in the order in which marks are looked for and volumes are made: what lies deeper in the usual
 * nesting comes first, so that a group is put together when the arrays and locks below it are open.
 */
// biome-ignore lint/suspicious/noExplicitAny: each manager reads back the heads that it made itself.
export const volumeManagers: readonly VolumeManager<any>[] = [md, luks, lvm, btrfsDevices];

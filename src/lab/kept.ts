import { dirname, join } from 'node:path';
import { shellQuote } from '../core/index.ts';
import { layersBelow } from './checkpoint/checkpoint.ts';
import type { KeptGuest } from './guest.ts';
import type { GuestSpec } from './spec.ts';

/** Where a guest's remains are, and the command that boots its overlay again (in an overlay of that one). */
export function keptGuest(spec: GuestSpec, folder: string): KeptGuest {
  const overlay = join(folder, 'overlay.qcow2');
  // A kernel of the host's is not in the overlay: what was started directly starts by its own boot loader here.
  const firmware = spec.boot.firmware === 'bios' ? '' : ' --firmware uefi';
  const below = layersBelow(spec).map((layer) => shellQuote(dirname(layer.path)));
  const allow = [...new Set(below)].map((path) => ` --allow-backing ${path}`).join('');
  return {
    folder,
    overlay,
    consoleLog: join(folder, 'console.log'),
    reopen: `gvm boot ${shellQuote(overlay)}${firmware}${allow}`,
  };
}

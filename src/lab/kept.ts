import { join } from 'node:path';
import { shellQuote } from '../core/index.ts';
import type { KeptGuest } from './guest.ts';
import type { GuestSpec } from './spec.ts';

/** Where a guest's remains are, and the command that boots its overlay again (in an overlay of that one). */
export function keptGuest(spec: GuestSpec, folder: string): KeptGuest {
  const overlay = join(folder, 'overlay.qcow2');
  const firmware = spec.boot.firmware === 'uefi' ? ' --firmware uefi' : '';
  const below = spec.image.layers.map((layer) => shellQuote(layer.path.replace(/\/[^/]*$/, '') || '/'));
  const allow = [...new Set(below)].map((path) => ` --allow-backing ${path}`).join('');
  return {
    folder,
    overlay,
    consoleLog: join(folder, 'console.log'),
    reopen: `gvm boot ${shellQuote(overlay)}${firmware}${allow}`,
  };
}

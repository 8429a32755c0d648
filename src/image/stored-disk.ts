// The door to the store for commands that only read a disk: it loads no schema, so they start quickly.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The disk of an image of the store; undefined where there is no whole image of that name. */
export function storedDisk(home: string, name: string): { path: string; format: 'qcow2' } | undefined {
  const folder = join(home, 'images', name);
  const path = join(folder, 'disk.qcow2');
  // The manifest is written last, and what begins with a dot is no image yet, or no longer one.
  const whole = !name.startsWith('.') && existsSync(join(folder, 'manifest.json')) && existsSync(path);
  return whole ? { path, format: 'qcow2' } : undefined;
}

import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { formatSize } from '../core/index.ts';
import type { Finding, HostReport } from '../schema/index.ts';
import type { Probe } from './probe.ts';

// The default image, its build and an overlay.
const ENOUGH = 2 * 2 ** 30;

/** Room where images and overlays are written. */
export const space: Probe<HostReport['space']> = async ({ cacheDir }) => {
  const folders = [...new Set([...(cacheDir ? [cacheDir] : []), tmpdir()])];
  const data = folders.flatMap((folder) => {
    try {
      const { bavail, bsize } = statfsSync(folder);
      return [{ folder, available: bavail * bsize }];
    } catch {
      return [];
    }
  });
  const findings = data.map(({ folder, available }): Finding => {
    const detail = `${formatSize(available)} free in ${folder}`;
    if (available >= ENOUGH) return { level: 'ok', what: 'disk space', detail };
    const mend = 'point GVM_HOME and TMPDIR at a larger file system';
    return { level: 'warn', what: 'disk space', detail: `only ${detail}`, mend };
  });
  return { data, findings };
};

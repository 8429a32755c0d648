import { showBytes } from '../../core/index.ts';
import { Vfs, walkTree } from '../../disk/index.ts';
import type { Answer } from '../fact.ts';
import type { SetuidArgs, SetuidValue } from '../setuid.ts';
import type { PoweredOff } from './disk.ts';

const SET_IDS = 0o6000;
const MOST = 20_000;

/** Regular files with the setuid or setgid bit below some folders of a powered-off disk. */
export async function setuidOffline(disk: PoweredOff, requests: readonly SetuidArgs[]): Promise<Answer<SetuidValue>[]> {
  const answers: Answer<SetuidValue>[] = [];
  for (const { paths } of requests) answers.push(await below(disk, paths));
  return answers;
}

async function below(disk: PoweredOff, paths: readonly string[]): Promise<Answer<SetuidValue>> {
  const files = new Set<string>();
  for (const path of paths) {
    const place = await disk.livePlace(path, false);
    if (place !== undefined) {
      return { diagnostics: [], unanswerable: `${path} lies on ${place}, which only a running guest has` };
    }
    const start = await disk.find(path, false);
    if (!start) return { diagnostics: [`not everything below ${paths.join(', ')} could be looked at: no ${path}`] };
    // One file system alone, as find -xdev goes; what stands below a mount point is hidden in a running guest.
    const hidden = disk.tree.mounts.map((mount) => mount.path).filter((mount) => mount.length > path.length);
    const isHidden = (file: string) => hidden.some((mount) => file.startsWith(`${mount}/`));
    for await (const walked of walkTree(new Vfs(start.fs), start, { signal: disk.signal })) {
      if ('trouble' in walked) {
        return { diagnostics: [`not everything below ${path} could be looked at: ${walked.trouble.message}`] };
      }
      const { type, mode } = walked.node.stat;
      if (type !== 'file' || (mode & SET_IDS) === 0) continue;
      const file = walked.path.toString('utf8');
      if (isHidden(file)) continue;
      files.add(file);
      if (files.size > MOST) {
        return { diagnostics: [`below ${showBytes(start.path)} are more than ${MOST} such files`] };
      }
    }
  }
  return { value: [...files].sort(), diagnostics: [] };
}

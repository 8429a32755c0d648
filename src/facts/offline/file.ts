import { createHash } from 'node:crypto';
import { contentOf, type FsNode, type Located } from '../../disk/index.ts';
import type { Answer } from '../fact.ts';
import { type FileArgs, type FileValue, fileTypes, MAX_CONTENTS } from '../file.ts';
import { type Names, nameOfId, readNames } from './accounts.ts';
import { diskTrouble, type PoweredOff } from './disk.ts';

/** What stands at paths of a powered-off disk, as the file fact tells it of a running guest. */
export async function filesOffline(disk: PoweredOff, requests: readonly FileArgs[]): Promise<Answer<FileValue>[]> {
  const names = await readNames(disk);
  const answers: Answer<FileValue>[] = [];
  for (const request of requests) {
    disk.signal?.throwIfAborted();
    try {
      answers.push(await describe(disk, request, names));
    } catch (error) {
      answers.push({ diagnostics: [`${request.path}: ${diskTrouble(error)}`] });
    }
  }
  return answers;
}

async function describe(disk: PoweredOff, request: FileArgs, names: Names): Promise<Answer<FileValue>> {
  const { path } = request;
  const follows = request.contents === true || (request.sums ?? []).length > 0;
  const place = (await disk.livePlace(path, false)) ?? (follows ? await disk.livePlace(path, true) : undefined);
  if (place !== undefined) {
    return { diagnostics: [], unanswerable: `${path} lies on ${place}, which only a running guest has` };
  }
  const found = await disk.find(path, false);
  if (!found) return { value: { exists: false }, diagnostics: [] };
  const { type: kind, mode, uid, gid, size } = found.node.stat;
  const type = fileTypes.find((name) => name === kind);
  if (!type) return { diagnostics: [`${path} is of no type that gvm knows`] };
  const value: FileValue = {
    exists: true,
    type,
    mode: mode.toString(8).padStart(4, '0'),
    owner: nameOfId(names.users, uid),
    group: nameOfId(names.groups, gid),
    uid,
    gid,
    size,
  };
  const diagnostics: string[] = [];
  if (follows) await addContent(disk, request, value, diagnostics);
  if (request.target && type === 'symlink') value.target = (await found.node.readlink(disk.signal)).toString('utf8');
  return { value, diagnostics };
}

async function addContent(
  disk: PoweredOff,
  { path, sums = [], contents }: FileArgs,
  value: FileValue & { exists: true },
  diagnostics: string[],
): Promise<void> {
  const node = regularFile(await disk.find(path));
  if (!node) {
    diagnostics.push(`${path} is no regular file`);
    return;
  }
  for (const sum of sums) {
    const hash = createHash(sum);
    for await (const bytes of contentOf(node, disk.signal)) hash.update(bytes);
    value[sum] = hash.digest('hex');
  }
  if (!contents) return;
  if (node.stat.size > MAX_CONTENTS)
    diagnostics.push(`${path}: its contents are not read, they are larger than ${MAX_CONTENTS} bytes`);
  else value.contents = (await node.read(0, node.stat.size, disk.signal)).toString('utf8');
}

function regularFile(found: Located | undefined): FsNode | undefined {
  return found?.node.stat.type === 'file' ? found.node : undefined;
}

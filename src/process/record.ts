import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isSameProcess, killIdentified, type ProcessIdentity, processIdentity } from './identity.ts';

/** What a folder of records says of one child process. */
export interface ChildRecord {
  tool: string;
  child: ProcessIdentity;
  owner: ProcessIdentity;
}

const NAME = /^child-\d+\.json$/;
const LARGEST = 64 * 1024;

/** Writes the record of a child that this process has just started; the returned function removes it. */
export function recordChild(folder: string, tool: string, pid: number): () => void {
  const [child, owner] = [processIdentity(pid), processIdentity(process.pid)];
  if (!child || !owner) return () => {};
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `child-${pid}.json`);
  writeFileSync(`${path}.part`, JSON.stringify({ tool, child, owner } satisfies ChildRecord), { mode: 0o600 });
  renameSync(`${path}.part`, path);
  return () => rmSync(path, { force: true });
}

/** The records of a folder; half-written or foreign files are passed over. */
function readChildRecords(folder: string): { path: string; record: ChildRecord }[] {
  const names = readdirSync(folder, { withFileTypes: true }).filter((e) => e.isFile() && NAME.test(e.name));
  return names.flatMap(({ name }) => {
    const path = join(folder, name);
    const record = parseRecord(readFileSync(path, 'utf8').slice(0, LARGEST));
    return record ? [{ path, record }] : [];
  });
}

/**
 * Ends the recorded children of owners that are gone, and removes their records.
 * @returns the process numbers that were ended.
 */
export async function reapChildren(folder: string): Promise<number[]> {
  const ended: number[] = [];
  for (const { path, record } of readChildRecords(folder)) {
    if (isSameProcess(record.owner)) continue;
    const alive = isSameProcess(record.child);
    if (!(await killIdentified(record.child))) continue;
    if (alive) ended.push(record.child.pid);
    rmSync(path, { force: true });
  }
  return ended;
}

function parseRecord(text: string): ChildRecord | undefined {
  try {
    const { tool, child, owner } = JSON.parse(text) as Partial<ChildRecord>;
    return typeof tool === 'string' && isIdentity(child) && isIdentity(owner) ? { tool, child, owner } : undefined;
  } catch {
    return undefined;
  }
}

function isIdentity(value: unknown): value is ProcessIdentity {
  const { pid, startTime, boot } = (value ?? {}) as Record<string, unknown>;
  return typeof pid === 'number' && pid > 1 && typeof startTime === 'string' && typeof boot === 'string';
}

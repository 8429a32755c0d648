import { spawnSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processIdentity } from './identity.ts';

/** `gvm-scratch-NAMESPACE-PID-STARTTIME-` and six characters: who made it can be told from the name alone. */
const NAME = /^gvm-scratch-(\d+)-(\d+)-(\d+)-\w{6}$/;

/** The number of this process's PID namespace (namespaces(7)): a container may share the folder, but not its numbers. */
const namespace = () => /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';

/** A new empty folder (0700) for files that last no longer than this process; whoever asks for it removes it. */
export function scratchFolder(): string {
  const { pid, startTime } = processIdentity(process.pid) ?? { pid: process.pid, startTime: '0' };
  return mkdtempSync(join(tmpdir(), `gvm-scratch-${namespace()}-${pid}-${startTime}-`));
}

/** Removes the scratch folders of this user's processes that were killed. */
export function reapScratch(): void {
  for (const name of readdirSync(tmpdir())) {
    const [, home, pid, startTime] = NAME.exec(name) ?? [];
    if (home !== namespace() || processIdentity(Number(pid))?.startTime === startTime) continue;
    const folder = join(tmpdir(), name);
    const stat = lstatSync(folder, { throwIfNoEntry: false });
    if (!stat?.isDirectory() || stat.uid !== process.getuid?.()) continue;
    // What a killed build of root's has mounted there is not a file of ours: nothing of it may be removed.
    for (const path of mountsBelow(folder).reverse()) spawnSync('umount', ['--', path], { stdio: 'ignore' });
    if (mountsBelow(folder).length === 0) rmSync(folder, { recursive: true, force: true });
  }
}

/** Mount points in a folder, in the order in which they were mounted (proc_pid_mountinfo(5)). */
function mountsBelow(folder: string): string[] {
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '');
  return points.filter((point) => point.startsWith(`${folder}/`));
}

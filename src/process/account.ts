import { readFileSync, statSync } from 'node:fs';

/** Numbers of an account of the host that a child process takes on. */
export interface Account {
  uid: number;
  gid: number;
  /** Supplementary groups; all others are dropped. */
  groups: number[];
  /** The only capabilities that it keeps, by setpriv(1)'s names; without them root's powers depend on the number. */
  capabilities?: readonly string[];
}

/**
 * The account for processes that meet untrusted disks: `nobody` when gvm is root, else undefined (they keep gvm's
 * own account). `devices` are device nodes that the process opens by name; where their group may read and write
 * them, and is not root's, it becomes a supplementary group.
 */
export function unprivilegedAccount(devices: readonly string[] = []): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const groups = new Set<number>();
  for (const device of devices) {
    const stat = statSync(device, { throwIfNoEntry: false });
    if (stat && stat.gid !== 0 && (stat.mode & 0o060) === 0o060) groups.add(stat.gid);
  }
  const account = nobody();
  // Root of a user namespace that has no other account is its owner outside, an ordinary user.
  if (!isMapped('uid_map', account.uid) || !isMapped('gid_map', account.gid)) return undefined;
  return { ...account, groups: [...groups] };
}

/** Whether a number exists in this process's user namespace (user_namespaces(7)). */
function isMapped(map: 'uid_map' | 'gid_map', number: number): boolean {
  const lines = readFileSync(`/proc/self/${map}`, 'utf8').trim().split('\n');
  return lines.some((line) => {
    const [first = 0, , count = 0] = line.trim().split(/\s+/).map(Number);
    return number >= first && number < first + count;
  });
}

/** `nobody` of passwd(5); 65534 where the host has no such line. */
function nobody(): { uid: number; gid: number } {
  let text = '';
  try {
    text = readFileSync('/etc/passwd', 'utf8');
  } catch {
    // A container may have no passwd file; the number is the kernel's own overflow uid.
  }
  const fields = /^nobody:[^:\n]*:(\d+):(\d+):/m.exec(text);
  return { uid: Number(fields?.[1] ?? 65534), gid: Number(fields?.[2] ?? 65534) };
}

/** Options of setpriv(1) that take on an account, or none to keep gvm's own. */
export function accountArguments(account: Account | undefined): string[] {
  if (!account) return [];
  const groups = account.groups.length > 0 ? ['--groups', account.groups.join(',')] : ['--clear-groups'];
  const kept = account.capabilities?.map((name) => `,+${name}`).join('');
  const bounds = kept === undefined ? [] : ['--inh-caps', '-all', '--bounding-set', `-all${kept}`];
  return ['--reuid', String(account.uid), '--regid', String(account.gid), ...groups, ...bounds];
}

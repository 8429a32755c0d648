import type { PoweredOff } from './disk.ts';

/** Names by number, from passwd(5) and group(5). */
export interface Names {
  users: ReadonlyMap<number, string>;
  groups: ReadonlyMap<number, string>;
}

export async function readNames(disk: PoweredOff): Promise<Names> {
  return {
    users: byNumber(await disk.text('/etc/passwd')),
    groups: byNumber(await disk.text('/etc/group')),
  };
}

/** The name of a number, or the number itself where the disk knows none. */
export function nameOfId(names: ReadonlyMap<number, string>, id: number): string {
  return names.get(id) ?? String(id);
}

/** Both files have the name first and the number third; the first line of a number counts. */
function byNumber(text = ''): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [name, , id] = line.split(':');
    if (name && /^\d{1,10}$/.test(id ?? '') && !names.has(Number(id))) names.set(Number(id), name);
  }
  return names;
}

// What a transfer may name. Names out of an archive are latin1 text, one character a byte.
import { shellQuote } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';

/** Linux's limits in bytes: one name, and a whole path. */
const LONGEST_NAME = 255;
const LONGEST_PATH = 4095;

/**
 * The parts of a member's path below the target folder; none for the folder itself.
 * @returns undefined for a name that would leave the folder or that Linux cannot have
 */
export function memberParts(name: string): string[] | undefined {
  if (name === '' || name.startsWith('/') || name.includes('\0') || name.length > LONGEST_PATH) return undefined;
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  return parts.every((part) => part !== '..' && part.length <= LONGEST_NAME) ? parts : undefined;
}

/**
 * Whether a symbolic link stays below the target folder whatever its neighbours are. `..` may only stand at the front,
 * where it starts from a real folder; behind a name it would be taken from wherever a link of that name leads.
 * @param depth of the folder that the link stands in, 0 for the target folder
 */
export function linkStaysInside(target: string, depth: number): boolean {
  if (target === '' || target.startsWith('/') || target.includes('\0') || target.length > LONGEST_PATH) return false;
  const parts = target.split('/').filter((part) => part !== '' && part !== '.');
  const up = parts.findIndex((part) => part !== '..');
  const climbs = up === -1 ? parts.length : up;
  return climbs <= depth && !parts.slice(climbs).includes('..');
}

/** A path in the guest as one word of a shell command that no program takes for an option. @throws GvmError `usage` */
export function guestWord(path: string): string {
  if (path === '' || path.includes('\0')) {
    throw new GvmError({ code: 'usage', message: 'a path in the guest is empty or holds a NUL character' });
  }
  return shellQuote(path.startsWith('/') ? path : `./${path}`);
}

import { GvmError } from '../../errors/index.ts';
import type { Recipe } from '../../schema/index.ts';
import { pathMatcher } from './glob.ts';
import { grubFolder } from './grub-bios.ts';

/**
 * What differs from build to build, or belongs to the building machine and not to the image: logs, caches, locks,
 * backups of account files, keys, the host's own names.
 */
const VOLATILE = [
  grubFolder,
  'dev/**',
  'proc/**',
  'run/**',
  'sys/**',
  'tmp/**',
  'boot/initrd*',
  'etc/.pwd.lock',
  'etc/apt/**',
  'etc/dpkg/dpkg.cfg.d/99mmdebstrap',
  'etc/group-',
  'etc/gshadow-',
  'etc/passwd-',
  'etc/shadow-',
  'etc/subgid-',
  'etc/subuid-',
  'etc/ssh/ssh_host_*',
  'root/.*history',
  'var/cache/apt/**',
  'var/cache/debconf/**',
  'var/cache/ldconfig/**',
  'var/lib/apt/**',
  'var/lib/dpkg/*-old',
  'var/lib/dpkg/available',
  'var/lib/dpkg/lock*',
  'var/lib/dpkg/triggers/Lock',
  'var/lib/dpkg/updates/**',
  'var/lib/systemd/**',
  'var/log/**',
  '**/__pycache__',
  '**/*.dpkg-old',
  '**/*.pyc',
];

/** Folders that stay although what is in them goes. */
const KEPT = new Set(['dev', 'proc', 'run', 'sys', 'tmp', 'var/log', 'var/log/wtmp']);

/** Whether a path of the root tree is left out of the image. */
export function exclusion(recipe: Recipe): (path: string) => boolean {
  const { exclude, keep } = recipe.source.debian;
  const [volatile, unwanted, kept] = [pathMatcher(VOLATILE), pathMatcher(exclude), pathMatcher(keep)];
  return (path) => !KEPT.has(path) && (unwanted(path) || (volatile(path) && !kept(path)));
}

export type Rewrite = (content: string) => string;

/** The files whose content the image does not take as it is. */
export function rewrites(recipe: Recipe, epoch: number): Map<string, Rewrite> {
  const map = new Map<string, Rewrite>([
    ['etc/machine-id', () => ''],
    ['etc/shadow', (text) => shadow(text, Math.floor(epoch / 86_400))],
  ]);
  for (const edit of recipe.overlay.edits) {
    const path = edit.path.slice(1);
    const earlier = map.get(path);
    map.set(path, (text) => replaceOnce(earlier ? earlier(text) : text, edit));
  }
  return map;
}

/** What a recipe writes that wants root locked. */
const LOCKED = '!*';

/** Third field: the day of the last change, which is the day of the build. root has no password, and may log in by key. */
function shadow(text: string, day: number): string {
  return text
    .split('\n')
    .map((line) => {
      const fields = line.split(':');
      if (fields.length < 8) return line;
      if (fields[0] === 'root' && fields[1] !== LOCKED) fields[1] = '*';
      fields[2] = String(day);
      return fields.join(':');
    })
    .join('\n');
}

function replaceOnce(text: string, edit: Recipe['overlay']['edits'][number]): string {
  const parts = text.split(edit.find);
  if (parts.length !== 2) {
    throw new GvmError({
      code: 'image-build',
      message: `overlay.edits: expected the text to find exactly once in ${edit.path}, found it ${parts.length - 1} times`,
      hint: 'the package that brings the file has changed: adapt the edit',
      details: { find: edit.find },
    });
  }
  return parts.join(edit.replace);
}

import type { MountValue } from '../../facts/index.ts';
import type { Learner } from './learner.ts';

const ALSO = ['/tmp', '/var/tmp', '/dev/shm'];
const KEPT = ['ro', 'rw', 'nosuid', 'nodev', 'noexec'];
/** Where a kernel of gvm's own finds its modules. */
const MODULES = /^(?:\/usr)?\/lib\/modules(?:\/|$)/;
const mounts = [{ fact: 'mount', args: {} }];

export const mountLearner: Learner = {
  check: 'mount',
  test: 'has its file systems mounted',
  survey: {
    requests: mounts,
    subjects([answer]) {
      const own = ((answer?.value ?? []) as MountValue).filter(
        ({ path, source }) => (source.startsWith('/dev/') || ALSO.includes(path)) && !MODULES.test(path),
      );
      return [...new Set(own.map(({ path }) => path))];
    },
  },
  requests: () => mounts,
  // Not its source: the name of a device is another one on another machine.
  declare(path, [value]) {
    const mount = (value as MountValue).findLast((m) => m.path === path.replace(/(.)\/+$/, '$1'));
    if (!mount) return { path, exists: false };
    const contains = KEPT.filter((option) => mount.options.includes(option));
    return { path, fstype: mount.fstype, ...(contains.length > 0 ? { options: { contains } } : {}) };
  },
};

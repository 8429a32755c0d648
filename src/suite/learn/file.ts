import type { FileValue } from '../../facts/index.ts';
import { always, type Learner } from './learner.ts';

const IMPORTANT = [
  '/etc/passwd',
  '/etc/group',
  '/etc/shadow',
  '/etc/gshadow',
  '/etc/sudoers',
  '/etc/doas.conf',
  '/etc/fstab',
  '/etc/crypttab',
  '/etc/inittab',
  '/etc/portage/make.conf',
  '/etc/ssh/sshd_config',
  '/etc/os-release',
  '/boot',
  '/root',
  '/root/.ssh/authorized_keys',
  '/tmp',
  '/var/tmp',
];

export const fileLearner: Learner = {
  check: 'file',
  test: 'has its important files, with their modes and owners',
  survey: always(...IMPORTANT),
  requests: (path) => [{ fact: 'file', args: { path, target: true } }],
  declare(path, [value], named) {
    const file = value as FileValue;
    if (!file.exists) return named ? { path, exists: false } : undefined;
    const { type, mode, owner, group, target } = file;
    return type === 'symlink' ? { path, type, target } : { path, type, mode, owner, group };
  },
};

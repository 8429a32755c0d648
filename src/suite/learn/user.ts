import { type FileValue, linesOf, type UserValue } from '../../facts/index.ts';
import type { Learner } from './learner.ts';

const NO_SHELL = /^$|\/(?:nologin|false|true|sync|halt|shutdown)$/;

export const userLearner: Learner = {
  check: 'user',
  test: 'has its accounts',
  survey: {
    requests: [{ fact: 'file', args: { path: '/etc/passwd', contents: true } }],
    subjects([answer]) {
      const { contents = '' } = (answer?.value ?? {}) as Extract<FileValue, { exists: true }>;
      return linesOf(Buffer.from(contents)).flatMap((line) => {
        const fields = line.split(':');
        return fields.length === 7 && !NO_SHELL.test(fields[6] ?? '') ? [fields[0] ?? ''] : [];
      });
    },
  },
  requests: (name) => [{ fact: 'user', args: { name, groups: true } }],
  declare(name, [value], named) {
    const user = value as UserValue;
    if (!user.exists) return named ? { name, exists: false } : undefined;
    const { uid, gid, groups, home, shell } = user;
    return { name, uid, gid, groups, home, shell };
  },
};

import { nearest } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import type { Registry } from '../check.ts';
import { expectations } from '../matchers/expectations.ts';
import type { Learner } from './learner.ts';
import { learners } from './registry.ts';

/** What is to be learnt of one kind: what is named, or all that is worth a check. */
export interface Wanted {
  learner: Learner;
  named: string[] | undefined;
}

/**
 * Reads words such as `service:sshd`, `port:tcp:22` or `kernel`; without any the default set is wanted.
 * @throws GvmError `usage`
 */
export function readWanted(words: readonly string[], registry: Registry): Wanted[] {
  if (words.length === 0)
    return learners.filter(({ survey }) => survey).map((learner) => ({ learner, named: undefined }));
  const wanted = new Map<Learner, string[] | undefined>();
  for (const word of words) {
    const colon = word.indexOf(':');
    const kind = colon < 0 ? word : word.slice(0, colon);
    const learner = learners.find(({ check }) => check === kind);
    if (!learner) throw unknown(kind);
    if (colon < 0) {
      if (!learner.survey) throw usage(`${kind}: which? Write ${kind}:NAME`);
      wanted.set(learner, undefined);
      continue;
    }
    const subject = word.slice(colon + 1);
    const problem = subjectProblem(learner, subject, registry);
    if (problem !== undefined) throw usage(`${word}: ${problem}`);
    if (wanted.has(learner) && wanted.get(learner) === undefined) continue;
    wanted.set(learner, [...new Set([...(wanted.get(learner) ?? []), subject])]);
  }
  return learners.flatMap((learner) => (wanted.has(learner) ? [{ learner, named: wanted.get(learner) }] : []));
}

/** Why a subject is no name that a check can have; undefined where it is one. */
export function subjectProblem({ check }: Learner, subject: string, registry: Registry): string | undefined {
  const kind = registry.checks.find(({ name }) => name === check);
  if (kind?.subject === undefined) return subject === '' ? undefined : `there is only one; write ${check} alone`;
  const parsed = kind.schema(expectations(registry.matchers)).shape[kind.subject]?.safeParse(subject);
  return parsed?.success ? undefined : (parsed?.error.issues[0]?.message ?? 'a bad name');
}

function unknown(kind: string): GvmError {
  const kinds = learners.map(({ check }) => check);
  const guess = nearest(kind, kinds);
  return usage(`nothing to learn is called ${kind}`, guess ? `did you mean ${guess}?` : `one of ${kinds.join(', ')}`);
}

const usage = (message: string, hint?: string) => new GvmError({ code: 'usage', message, hint });

import type { Answer, FactRequest } from '../../facts/index.ts';
import type { Registry } from '../check.ts';
import { expectations } from '../matchers/expectations.ts';
import type { Learner } from './learner.ts';
import { subjectProblem, type Wanted } from './wanted.ts';

/** Tests that hold, and what could not be learnt or kept, with the reason. */
export interface Learnt {
  tests: { name: string; [check: string]: unknown }[];
  missing: string[];
}

export interface LearnOptions {
  wanted: readonly Wanted[];
  registry: Registry;
  /** Asks a guest or a powered-off disk; one answer for each request, in order. */
  ask(requests: readonly FactRequest[]): Promise<Answer[]>;
}

/** Learns what is true now, in two rounds of questions: what there is, and how it is. */
export async function learn({ wanted, registry, ask }: LearnOptions): Promise<Learnt> {
  const missing = new Set<string>();
  const open = wanted.filter(({ named }) => named === undefined);
  const found = await askEach(open, ({ learner }) => learner.survey?.requests ?? [], ask);
  const subjects = wanted.flatMap(({ learner, named }) => {
    const answers = named === undefined ? (found[open.findIndex((o) => o.learner === learner)] ?? []) : [];
    noteMissing(missing, learner, answers);
    const own = named ?? learner.survey?.subjects(answers) ?? [];
    return own.map((subject) => ({ learner, subject, named: named !== undefined }));
  });
  // What a guest calls a thing may be no name that a check can have.
  const sound = subjects.filter(({ learner, subject }) => {
    const problem = subjectProblem(learner, subject, registry);
    if (problem !== undefined) missing.add(`${learner.check}: ${JSON.stringify(subject)}: ${problem}`);
    return problem === undefined;
  });
  const answers = await askEach(sound, ({ learner, subject }) => learner.requests(subject), ask);
  const tests = wanted.flatMap(({ learner }) => {
    const declarations = sound.flatMap((one, i) => {
      if (one.learner !== learner) return [];
      const own = answers[i] ?? [];
      if (noteMissing(missing, learner, own)) return [];
      const values = own.map(({ value }) => value);
      return declaration(learner.declare(one.subject, values, one.named), one, registry, missing);
    });
    const [first, second] = declarations;
    if (first === undefined) return [];
    return [{ name: learner.test, [learner.check]: second === undefined ? first : declarations }];
  });
  return { tests, missing: [...missing] };
}

/** Asks all at once, and gives each its own answers. */
async function askEach<T>(
  items: readonly T[],
  requestsOf: (item: T) => readonly FactRequest[],
  ask: LearnOptions['ask'],
): Promise<Answer[][]> {
  const requests = items.map(requestsOf);
  const answers = await ask(requests.flat());
  let at = 0;
  return requests.map(({ length }) => {
    at += length;
    return answers.slice(at - length, at);
  });
}

/** Notes answers without a value. @returns whether there were any */
function noteMissing(missing: Set<string>, { check }: Learner, answers: readonly Answer[]): boolean {
  const without = answers.filter(({ value }) => value === undefined);
  for (const { unanswerable, diagnostics } of without)
    missing.add(`${check}: ${unanswerable ?? diagnostics.join('; ')}`);
  return without.length > 0;
}

/** What is to be written, held against the schema of its check. */
function declaration(
  declared: Record<string, unknown> | undefined,
  { learner, subject, named }: { learner: Learner; subject: string; named: boolean },
  registry: Registry,
  missing: Set<string>,
): Record<string, unknown>[] {
  if (declared === undefined) {
    if (named) missing.add(`${learner.check}: ${subject}: nothing of it is worth a check`);
    return [];
  }
  const own = Object.fromEntries(Object.entries(declared).filter(([, value]) => value !== undefined));
  const kind = registry.checks.find(({ name }) => name === learner.check);
  const parsed = kind?.schema(expectations(registry.matchers)).safeParse(own);
  if (parsed?.success) return [own];
  missing.add(`${learner.check}: ${JSON.stringify(subject)}: ${parsed?.error.issues[0]?.message ?? 'unknown check'}`);
  return [];
}

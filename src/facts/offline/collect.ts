import { GvmError } from '../../errors/index.ts';
import type { Answer, Fact, FactRequest } from '../fact.ts';
import { diskTrouble, isUnanswerable, type PoweredOff } from './disk.ts';

/**
 * Learns facts of a powered-off disk. Requests for one fact are answered together, equal ones once.
 * @returns one answer for each request, in order; `unanswerable` where only a running guest can tell
 * @throws GvmError of the disk's server; the signal's reason
 */
export async function collectOffline(
  requests: readonly FactRequest[],
  options: { facts: readonly Fact[]; disk: PoweredOff },
): Promise<Answer[]> {
  const groups = new Map<string, { fact: Fact; keys: string[]; args: unknown[] }>();
  const keys = requests.map((request) => {
    const fact = options.facts.find((f) => f.name === request.fact);
    if (!fact) throw new GvmError({ code: 'internal', message: `no fact is named ${request.fact}` });
    const group = groups.get(fact.name) ?? { fact, keys: [], args: [] };
    groups.set(fact.name, group);
    const key = `${fact.name} ${JSON.stringify(request.args)}`;
    if (!group.keys.includes(key)) {
      group.keys.push(key);
      group.args.push(fact.args.parse(request.args));
    }
    return key;
  });
  const answers = new Map<string, Answer>();
  for (const { fact, keys: own, args } of groups.values()) {
    const found = await ask(fact, args, options.disk);
    for (const [i, key] of own.entries()) answers.set(key, checked(fact, found[i]));
  }
  return keys.map((key) => answers.get(key) ?? { diagnostics: ['the fact gave no answer'] });
}

async function ask(fact: Fact, args: readonly unknown[], disk: PoweredOff): Promise<Answer[]> {
  if (!fact.offline) {
    const reason = `only a running guest can tell the fact "${fact.name}"`;
    return args.map(() => ({ diagnostics: [], unanswerable: reason }));
  }
  try {
    return await fact.offline(disk, args);
  } catch (error) {
    disk.signal?.throwIfAborted();
    if (isUnanswerable(error)) return args.map(() => ({ diagnostics: [], unanswerable: error.message }));
    const trouble = `the fact "${fact.name}": ${diskTrouble(error)}`;
    return args.map(() => ({ diagnostics: [trouble] }));
  }
}

function checked(fact: Fact, answer: Answer = { diagnostics: ['the fact gave no answer'] }): Answer {
  if (answer.value === undefined) return answer;
  const parsed = fact.schema.safeParse(answer.value);
  if (parsed.success) return { value: parsed.data, diagnostics: answer.diagnostics };
  const issue = parsed.error.issues[0];
  const wrong = `the fact "${fact.name}": ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`;
  return { diagnostics: [...answer.diagnostics, wrong] };
}

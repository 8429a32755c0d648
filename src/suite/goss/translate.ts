import { nearest, printable } from '../../core/index.ts';
import type { DocumentPath, Prepared } from '../../schema/index.ts';
import { allOf } from './matchers.ts';
import { isMap, Refusal } from './refusal.ts';
import { type Resource, resources } from './resources.ts';

const LONGEST_NAME = 200;
/** What any resource may have and no check needs. */
const COMMON = ['title', 'meta', 'skip'];
const ELSEWHERE: Readonly<Record<string, string>> = {
  gossfile: 'a goss file is read alone; name each to gvm test, or write one with `goss render`',
  matching: 'it compares what stands in the file itself, and asks nothing of a guest',
};

/** A test of its own, and where its parts stand in the goss file. */
interface Translated {
  test: Record<string, unknown>;
  place: DocumentPath;
  /** The attribute that each key of the check comes from. */
  attributes: ReadonlyMap<string, string>;
}

/**
 * A goss file as a suite: each resource becomes a test. What gvm has no equal for is a problem at its place.
 * @param name of the suite
 */
export function translateGoss(raw: unknown, name: string): Prepared {
  const problems: Prepared['problems'] = [];
  const found: Translated[] = [];
  const names = new Set<string>();
  const attempt = (work: () => void) => {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      problems.push({ path: error.path, message: error.message });
    }
  };
  for (const [kind, entries] of Object.entries(isMap(raw) ? raw : {})) {
    const resource = Object.hasOwn(resources, kind) ? resources[kind] : undefined;
    attempt(() => {
      if (!resource) throw new Refusal([kind], whyNot(kind));
      if (!isMap(entries)) throw new Refusal([kind], `expected the ${kind} resources by their names`);
    });
    if (!resource || !isMap(entries)) continue;
    for (const [id, attributes] of Object.entries(entries))
      attempt(() => found.push(translate(kind, resource, id, attributes, names)));
  }
  const tests = found.map(({ test }) => test);
  const nothing = tests.length === 0 && problems.length > 0;
  return { value: nothing ? undefined : { suite: name, tests }, origin: originIn(found), problems };
}

function whyNot(kind: string): string {
  const reason = ELSEWHERE[kind];
  if (reason !== undefined) return `not read by gvm: ${reason}`;
  const guess = nearest(kind, Object.keys(resources));
  return `no resource of goss${guess ? `; did you mean ${guess}?` : ''}`;
}

function translate(kind: string, resource: Resource, id: string, given: unknown, names: Set<string>): Translated {
  const place = [kind, id];
  if (!isMap(given)) throw new Refusal(place, 'expected attributes');
  const { check, subject, alias } = resource;
  let declaration: Record<string, unknown> = { [subject]: id };
  const attributes = new Map<string, string>();
  for (const [key, value] of Object.entries(given)) {
    const at = [...place, key];
    if (COMMON.includes(key)) continue;
    if (alias.includes(key)) {
      if (typeof value !== 'string') throw new Refusal(at, 'expected text');
      declaration[subject] = value;
      attributes.set(subject, key);
      continue;
    }
    const translated = Object.hasOwn(resource.attributes, key) ? resource.attributes[key] : undefined;
    if (!translated) throw new Refusal(at, `gvm has no equal of this attribute of goss's ${kind}`);
    for (const [own, expectation] of Object.entries(translated(value, at))) {
      declaration[own] = own in declaration ? allOf([declaration[own], expectation]) : expectation;
      attributes.set(own, key);
    }
  }
  if (resource.finish) declaration = resource.finish(declaration, place);
  if ('skip' in given && typeof given.skip !== 'boolean')
    throw new Refusal([...place, 'skip'], 'expected true or false');
  const title = typeof given.title === 'string' ? `: ${given.title}` : '';
  return {
    test: {
      name: nameOf(`${kind} ${id}${title}`, names),
      ...(given.skip === true ? { skip: 'the goss file skips it' } : {}),
      [check]: declaration,
    },
    place,
    attributes,
  };
}

/** One line that no test before it has. */
function nameOf(text: string, taken: Set<string>): string {
  const line = printable(text)
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, LONGEST_NAME - 10);
  let name = line;
  for (let n = 2; taken.has(name); n++) name = `${line} (${n})`;
  taken.add(name);
  return name;
}

/** From the path of a part of the suite to that of the goss file: test, check, key, and what is below. */
function originIn(found: readonly Translated[]): Prepared['origin'] {
  return ([top, index, , key]) => {
    const one = top === 'tests' ? found[Number(index)] : undefined;
    if (!one) return [];
    const attribute = one.attributes.get(String(key));
    return attribute === undefined ? one.place : [...one.place, attribute];
  };
}

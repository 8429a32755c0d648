import { nearest } from '../core/index.ts';
import { GvmError } from '../errors/index.ts';
import { github } from './github/index.ts';
import { htmlPage } from './html/index.ts';
import { json } from './json.ts';
import { junit } from './junit.ts';
import type { Reporter } from './reporter.ts';
import { tap } from './tap.ts';

/** Every reporter, in the order in which they write. */
export const reporters: readonly Reporter[] = [json, junit, tap, htmlPage, github];

/** What every run writes (design §6). */
export const always: readonly Reporter[] = [json, junit];

/**
 * The reporters of a list such as `tap,github`, those that always write among them.
 * @throws GvmError `usage` naming the nearest one
 */
export function chooseReporters(list: string | undefined, known: readonly Reporter[] = reporters): Reporter[] {
  const names = new Set((list ?? '').split(',').filter((name) => name !== ''));
  for (const name of names) {
    if (known.some((reporter) => reporter.name === name)) continue;
    const all = known.map((reporter) => reporter.name);
    const guess = nearest(name, all);
    throw new GvmError({
      code: 'usage',
      message: `no reporter is called ${name}`,
      hint: guess ? `did you mean ${guess}?` : `the reporters are ${all.join(', ')}`,
    });
  }
  return known.filter((reporter) => always.includes(reporter) || names.has(reporter.name));
}

import { relative } from 'node:path';
import { listRecipes, openStore } from '../../image/index.ts';
import type { Context, Names } from '../command.ts';
import { runningGuests } from '../running.ts';

/** Names that only the moment of asking knows. */
export const nameSources: Record<Names, (context: Context) => Promise<string[]>> = {
  async images(context) {
    const recipes = await listRecipes((await context.settings()).images);
    const stored = await openStore((await context.state()).home).list();
    return [...new Set([...recipes.keys(), ...stored.map(({ name }) => name)])].sort();
  },
  async suites(context) {
    const { findSuiteFiles } = await import('../../engine/index.ts');
    const files = await findSuiteFiles([(await context.settings()).suites], context.cwd);
    return files.map((file) => relative(context.cwd, file));
  },
  async guests(context) {
    return (await runningGuests(context)).map(({ name }) => name);
  },
};

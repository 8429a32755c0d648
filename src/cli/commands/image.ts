import { join, resolve } from 'node:path';
import { formatDuration, formatSize, nearest } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import {
  type BuildOptions,
  ensureImage,
  type ImageStore,
  listRecipes,
  loadRecipe,
  openStore,
  readPackageList,
  rebuildImage,
  removeImage,
  type StoredImage,
} from '../../image/index.ts';
import { runOwned } from '../../lab/index.ts';
import { logBuild } from '../build-progress.ts';
import type { Command, Context } from '../command.ts';
import { version } from '../version.ts';

const actions: Record<string, (context: Context, store: ImageStore, name: string | undefined) => Promise<number>> = {
  list,
  build,
  remove,
};

interface Row {
  name: string;
  recipe: string | undefined;
  state: 'built' | 'out of date' | 'not built';
  image: StoredImage['manifest'] | undefined;
}

async function list(context: Context, store: ImageStore): Promise<number> {
  const recipes = await listRecipes((await context.settings()).images);
  const stored = new Map((await store.list()).map((image) => [image.name, image]));
  const names = [...new Set([...recipes.keys(), ...stored.keys()])].sort();
  const rows = await Promise.all(
    names.map(async (name): Promise<Row> => {
      const recipe = recipes.get(name);
      const manifest = stored.get(name)?.manifest;
      const fresh = manifest && (!recipe || (await loadRecipe(recipe)).hash === manifest.recipe);
      return { name, recipe, state: fresh ? 'built' : manifest ? 'out of date' : 'not built', image: manifest };
    }),
  );
  context.show(rows, renderRows);
  return 0;
}

function renderRows(rows: readonly Row[]): string {
  const width = Math.max(...rows.map((row) => row.name.length));
  const text = ({ name, state, image }: Row) => {
    const about = image
      ? `${formatSize(image.diskBytes)}, ${image.kernel.release}, sha256 ${image.digest.slice(0, 16)}…`
      : '';
    return `${name.padEnd(width)}  ${state.padEnd(11)}  ${about}`.trimEnd();
  };
  return rows.length > 0 ? rows.map(text).join('\n') : 'no recipe and no image';
}

async function build(context: Context, store: ImageStore, name: string | undefined): Promise<number> {
  const settings = await context.settings();
  const recipe = await findRecipe(settings.images, name ?? settings.image);
  const packages = context.text('packages');
  return await runOwned(async ({ signal }) => {
    const options: BuildOptions = {
      log: context.log,
      version: version(),
      signal,
      onEvent: logBuild(context.log),
      ...(packages === undefined ? {} : { packages: await readPackageList(resolve(context.cwd, packages)) }),
    };
    const loaded = await loadRecipe(recipe);
    const again = context.flag('force') || packages !== undefined;
    const image = await (again ? rebuildImage(store, loaded, options) : ensureImage(store, loaded, options));
    context.show(image.manifest, ({ name: built, digest, diskBytes, buildMode, buildMs }) =>
      [
        `${built}: ${formatSize(diskBytes)}, built by ${buildMode} in ${formatDuration(buildMs)}`,
        `sha256 ${digest}`,
        `packages recorded in ${join(image.folder, 'manifest.json')}`,
      ].join('\n'),
    );
    return 0;
  });
}

async function remove(context: Context, store: ImageStore, name: string | undefined): Promise<number> {
  const removed = name !== undefined && (await removeImage(store, name));
  if (removed) {
    context.show({ removed: name }, () => `${name} is removed`);
    return 0;
  }
  const guess =
    name &&
    nearest(
      name,
      (await store.list()).map((image) => image.name),
    );
  throw new GvmError({
    code: 'image-unknown',
    message: name === undefined ? 'gvm image remove: no name given' : `the store has no image called ${name}`,
    hint: guess ? `did you mean ${guess}?` : 'gvm image list shows the images',
  });
}

async function findRecipe(folders: readonly string[], name: string): Promise<string> {
  const recipes = await listRecipes(folders);
  const recipe = recipes.get(name);
  if (recipe) return recipe;
  const guess = nearest(name, recipes.keys());
  throw new GvmError({
    code: 'image-unknown',
    message: `no recipe is called ${name}`,
    hint: guess ? `did you mean ${guess}?` : `recipes are looked for in ${folders.join(', ')}`,
  });
}

export const image: Command = {
  usage: 'list|build|remove [NAME]',
  about: 'An image that a suite needs is built by itself. build without a name builds the default one.',
  options: ['packages', 'force'],
  completes: ['list', 'build', 'remove'],
  examples: [
    ['gvm image list', 'recipes and what is built of them'],
    ['gvm image build openrc', 'build, where it is missing or out of date'],
    ['gvm image build openrc --force', 'build again'],
    ['gvm image build openrc --packages list.json', 'build again from exactly these packages'],
    ['gvm image remove openrc', 'remove it from the store'],
  ],
  words: [1, 2],
  async run(context) {
    const [word = '', name] = context.words;
    const action = Object.hasOwn(actions, word) ? actions[word] : undefined;
    if (!action) {
      const guess = nearest(word, Object.keys(actions));
      throw new GvmError({
        code: 'usage',
        message: `gvm image: unknown action ${word}`,
        hint: guess ? `did you mean gvm image ${guess}?` : 'the actions are list, build and remove',
      });
    }
    return await action(context, openStore((await context.state()).home), name);
  },
};

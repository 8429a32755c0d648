import { environmentLayers, layerMachine, type MachineLayer, type Settings } from '../../config/index.ts';
import { nearest } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import type { Command } from '../command.ts';

interface Entry {
  key: string;
  value: unknown;
  /** The layer that the value came from. */
  origin: string;
}

/** Every setting with its value and the layer that it came from. */
function explain(settings: Settings, env: NodeJS.ProcessEnv): Entry[] {
  const layers: MachineLayer[] = [
    { origin: settings.file ?? 'gvm.yaml', keys: settings.machine },
    ...environmentLayers(env),
  ];
  const { machine, origins } = layerMachine(layers);
  const plain = (['image', 'suites', 'images', 'matrix', 'health', 'plugins'] as const).map((key) => ({
    key,
    value: settings[key],
    origin: settings.origins[key],
  }));
  const keys = Object.entries(machine).map(([key, value]) => ({
    key: `machine.${key}`,
    value: value ?? null,
    origin: origins[key] ?? 'default',
  }));
  return [...plain, ...keys];
}

function renderEntries(entries: readonly Entry[]): string {
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : JSON.stringify(value));
  const width = Math.max(...entries.map((e) => e.key.length));
  return entries.map((e) => `${e.key.padEnd(width)}  ${text(e.value)}  (${e.origin})`).join('\n');
}

export const config: Command = {
  usage: '[KEY]',
  about:
    'Layers, lowest first: what gvm ships, the image recipe, gvm.yaml, the suite, GVM_* variables, options. An image and a suite\nadd their own layers when a guest is made; this command shows what stands before that.',
  options: [],
  examples: [
    ['gvm config', 'all settings'],
    ['gvm config machine.memory', 'one of them'],
    ['GVM_ACCEL=tcg gvm config machine.accel', 'a variable is a layer'],
  ],
  words: [0, 1],
  async run(context) {
    const entries = explain(await context.settings(), process.env);
    const [key] = context.words;
    if (key === undefined) {
      context.show(entries, renderEntries);
      return 0;
    }
    const found = entries.filter((entry) => entry.key === key || entry.key.startsWith(`${key}.`));
    if (found.length === 0) {
      const guess = nearest(
        key,
        entries.map((e) => e.key),
      );
      throw new GvmError({
        code: 'usage',
        message: `gvm config: unknown key ${key}`,
        hint: guess ? `did you mean ${guess}?` : 'gvm config lists all keys',
      });
    }
    context.show(found.length === 1 ? found[0] : found, () => renderEntries(found));
    return 0;
  },
};

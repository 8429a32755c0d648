import { dirname, resolve } from 'node:path';
import type { LoadedDocument, MachineKeys, MatrixKeys, Project } from '../schema/index.ts';

/** Settings of gvm.yaml with the shipped defaults below them, and where each value comes from. */
export interface Settings {
  images: string[];
  suites: string;
  image: string;
  health: NonNullable<Project['health']>;
  /** Absolute paths of modules. */
  plugins: string[];
  machine: MachineKeys;
  /** Machine variants; kernels are full paths. */
  matrix: MatrixKeys;
  origins: Record<'images' | 'suites' | 'image' | 'matrix' | 'health' | 'plugins', string>;
  /** The folder that relative paths of gvm.yaml start from; the working directory without a gvm.yaml. */
  root: string;
  file: string | undefined;
}

/**
 * The project's settings over the shipped defaults, with `GVM_IMAGE` and `GVM_SUITES` above both.
 * @param shipped folder of the recipes that come with gvm; it is searched after the project's own
 */
export function resolveSettings(
  project: LoadedDocument<Project> | undefined,
  cwd: string,
  shipped: string,
  env: NodeJS.ProcessEnv,
): Settings {
  const root = project ? dirname(project.file) : cwd;
  const origin = (key: string) => {
    if (!project) return 'default';
    const { line } = project.position([key]);
    return `${project.file}:${line}`;
  };
  const given = project?.value ?? {};
  const choose = (key: 'image' | 'suites', fallback: string) => {
    const variable = `GVM_${key.toUpperCase()}`;
    if (env[variable]) return { value: env[variable], origin: variable };
    if (given[key] !== undefined) return { value: given[key], origin: origin(key) };
    return { value: fallback, origin: 'default' };
  };
  const image = choose('image', 'openrc');
  const suites = choose('suites', 'suites');
  return {
    images: [...(given.images ?? ['images']).map((folder) => resolve(root, folder)), shipped],
    suites: resolve(suites.origin.startsWith('GVM_') ? cwd : root, suites.value),
    image: image.value,
    health: given.health ?? { allow: [] },
    plugins: (given.plugins ?? []).map((file) => resolve(root, file)),
    machine: given.machine ?? {},
    matrix: {
      ...given.matrix,
      ...(given.matrix?.kernel ? { kernel: given.matrix.kernel.map((path) => resolve(root, path)) } : {}),
    },
    origins: {
      images: given.images ? origin('images') : 'default',
      suites: suites.origin,
      image: image.origin,
      matrix: given.matrix ? origin('matrix') : 'default',
      health: given.health ? origin('health') : 'default',
      plugins: given.plugins ? origin('plugins') : 'default',
    },
    root,
    file: project?.file,
  };
}

import type { LoadedRecipe } from '../recipe.ts';
import type { TarMember } from './tar-write.ts';

/** What a recipe puts over the packages: its files, links and runlevels. */
export function overlayMembers({ recipe, overlay }: LoadedRecipe): TarMember[] {
  const modes = new Map(recipe.overlay.modes.map(({ path, mode }) => [path.slice(1), Number.parseInt(mode, 8)]));
  const members: TarMember[] = overlay.map(({ path, content }) =>
    content.kind === 'link'
      ? { path, kind: 'link', target: content.target }
      : {
          path,
          kind: 'file',
          mode: modes.get(path) ?? (content.executable ? 0o755 : 0o644),
          bytes: content.bytes,
        },
  );
  for (const [path, target] of Object.entries(recipe.overlay.links)) {
    members.push({ path: path.slice(1), kind: 'link', target });
  }
  for (const [level, services] of Object.entries(recipe.runlevels)) {
    members.push({ path: `etc/runlevels/${level}`, kind: 'folder', mode: 0o755 });
    for (const service of services) {
      members.push({ path: `etc/runlevels/${level}/${service}`, kind: 'link', target: `/etc/init.d/${service}` });
    }
  }
  return members.sort((a, b) => (a.path < b.path ? -1 : 1));
}

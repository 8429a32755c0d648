import { readFileSync } from 'node:fs';

export type Family = 'debian' | 'gentoo' | 'fedora' | 'arch';

/** A row of packages.json: a tool or file that gvm needs, and the package that brings it. */
export type PackageRow = { [family in Family]?: string } & {
  tool: string;
  for: 'run' | 'build' | 'test';
  why: string;
  /** The option that makes the tool print its version. */
  version?: string;
  /** It must need no library. */
  static?: boolean;
  /** Places of which one must exist, instead of a command. */
  file?: string[];
};

/** The table of tools and packages; the bootstrap reads the same file. */
export function packageRows(): PackageRow[] {
  return JSON.parse(readFileSync(new URL('./packages.json', import.meta.url), 'utf8'));
}

const installers: Record<Family, string> = {
  debian: 'apt-get install --no-install-recommends',
  gentoo: 'emerge --ask',
  fedora: 'dnf install',
  arch: 'pacman -S',
};

/** The command that installs packages on a distribution; undefined where the table names none for it. */
export function installCommand(rows: readonly PackageRow[], family: Family | null): string | undefined {
  if (!family) return undefined;
  const packages = [...new Set(rows.flatMap((row) => row[family] ?? []))];
  return packages.length === 0 ? undefined : asRoot(`${installers[family]} ${packages.join(' ')}`);
}

/** A command as the user of now must type it. */
export function asRoot(command: string): string {
  return process.getuid?.() === 0 ? command : `sudo ${command}`;
}

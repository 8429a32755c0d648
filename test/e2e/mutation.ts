import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeCpio } from '../../src/disk/index.ts';
import type { RunRecord } from '../../src/schema/index.ts';
import { gvm, project, repository } from './gvm.ts';
import type { Mutant, SuiteName } from './mutants.ts';

/** The text of a shipped suite. */
const textOf = (suite: SuiteName) => readFileSync(join(repository, `suites/${suite}/${suite}.gvm.yaml`), 'utf8');

/** The names of a suite's tests. */
export function testNames(suite: SuiteName): string[] {
  return [...textOf(suite).matchAll(/^ {2}- name: (.*)$/gm)].map(([, name]) => name ?? '');
}

/** The initramfs that gvm gives the default image. */
export async function findInitrd(): Promise<Buffer> {
  const { stdout } = await gvm(['test', 'suites/boot', '--dry-run', '--json']);
  const command: string = Object.values<string>(JSON.parse(stdout).commands)[0] ?? '';
  return readFileSync(/-initrd '?(\S+?)'?\s/.exec(command)?.[1] ?? '');
}

/** Runs suites on guests with changes; without any on unchanged ones. @returns the run's record */
export async function runMutants(
  initrd: Buffer,
  suites: readonly SuiteName[],
  mutants: readonly Mutant[],
): Promise<RunRecord> {
  const disk = mutants.flatMap((mutant) => mutant.disk ?? []);
  const late = mutants.flatMap((mutant) => mutant.late ?? []);
  const changed = disk.length + late.length > 0;
  const keys = mutants.flatMap((mutant) => mutant.machine ?? []);
  const append = [...keys.map((k) => k.append), ...(changed ? ['rdinit=/mutate'] : [])].filter(Boolean).join(' ');
  const machine = { ...Object.assign({}, ...keys), append, ...(changed ? { initrd: 'mutant.img' } : {}) };
  const { folder, remove } = project({
    ...Object.fromEntries(suites.map((suite) => [`suites/${suite}.gvm.yaml`, textOf(suite)])),
    'gvm.yaml': JSON.stringify({ machine }),
  });
  try {
    if (changed) writeFileSync(join(folder, 'mutant.img'), mutate(initrd, disk, late));
    const { stdout, stderr } = await gvm(['test', '--json'], { cwd: folder });
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout);
  } finally {
    remove();
  }
}

/** The tests of a run that did not pass, as `outcome: name`. */
export function troubles(record: RunRecord): string[] {
  const tests = record.suites.flatMap((s) => s.tests);
  return tests.filter((t) => t.outcome !== 'passed').map((t) => `${t.outcome}: ${t.name}`);
}

/** A second initramfs behind the image's own: it runs the original init with one more step before the switch. */
export function mutate(
  initrd: Buffer,
  disk: readonly string[],
  late: readonly string[],
  files: Readonly<Record<string, Buffer>> = {},
): Buffer {
  const script = [
    ...disk,
    `{ echo '#!/bin/sh'; cat <<'END'\n${late.join('\n')}\nEND\n} > /root/etc/local.d/mutant.start`,
    'chmod 755 /root/etc/local.d/mutant.start',
  ].join('\n');
  const remount = (mode: string) => `/bin/busybox mount -o remount,${mode} /root`;
  const step = `${remount('rw')}; mkdir -p /root/etc/local.d; . /mutation; ${remount('ro')}`;
  const init = `#!/bin/busybox sh
/bin/busybox sed 's#^for folder in sys dev proc;.*#${step}; &#' /init > /init.mutated
exec /bin/busybox sh /init.mutated
`;
  const entries = Object.entries({ ...files, mutate: Buffer.from(init), mutation: Buffer.from(script) });
  const archive = writeCpio(
    entries.map(([path, bytes]) => ({ kind: 'file' as const, path, mode: 0o755, bytes })),
    { mtime: 0 },
  );
  return Buffer.concat([initrd, Buffer.alloc((4 - (initrd.length % 4)) % 4), archive]);
}

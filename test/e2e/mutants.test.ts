import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeCpio } from '../../src/disk/index.ts';
import type { RunRecord } from '../../src/schema/index.ts';
import { gvm, project, repository } from './gvm.ts';
import { type Mutant, mutants } from './mutants.ts';

const suite = readFileSync(join(repository, 'suites/boot/boot.gvm.yaml'), 'utf8');
const names = [...suite.matchAll(/^ {2}- name: (.*)$/gm)].map(([, name]) => name);

/** A second initramfs behind the image's own: it runs the original init with one more step before the switch. */
function mutate(initrd: Buffer, { disk = '', late }: Mutant): Buffer {
  const script =
    late === undefined
      ? disk
      : `{ echo '#!/bin/sh'; cat <<'END'\n${late}\nEND\n} > /root/etc/local.d/mutant.start\nchmod 755 /root/etc/local.d/mutant.start`;
  const remount = (mode: string) => `/bin/busybox mount -o remount,${mode} /root`;
  const step = `${remount('rw')}; mkdir -p /root/etc/local.d; . /mutation; ${remount('ro')}`;
  const init = `#!/bin/busybox sh
/bin/busybox sed 's#^exec /bin/busybox switch_root.*#${step}; &#' /init > /init.mutated
exec /bin/busybox sh /init.mutated
`;
  const file = (path: string, text: string) => ({ kind: 'file' as const, path, mode: 0o755, bytes: Buffer.from(text) });
  const archive = writeCpio([file('mutate', init), file('mutation', script)], { mtime: 0 });
  return Buffer.concat([initrd, Buffer.alloc((4 - (initrd.length % 4)) % 4), archive]);
}

describe('each test of suites/boot has a mutant', () => {
  let initrd: Buffer;
  const folders: (() => void)[] = [];

  /** Runs the suite on a guest and gives back its record. */
  async function run(machine: Record<string, unknown>, files: Record<string, Buffer> = {}): Promise<RunRecord> {
    const { folder, remove } = project({
      'suites/boot.gvm.yaml': suite,
      'gvm.yaml': JSON.stringify({ machine }),
    });
    folders.push(remove);
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
    const { stdout, stderr } = await gvm(['test', '--json'], { cwd: folder });
    expect(stdout, stderr).not.toBe('');
    return JSON.parse(stdout);
  }

  beforeAll(async () => {
    const { folder, remove } = project({ 'boot.gvm.yaml': suite });
    folders.push(remove);
    const { stdout } = await gvm(['test', 'boot.gvm.yaml', '--dry-run', '--json'], { cwd: folder });
    const command: string = Object.values<string>(JSON.parse(stdout).commands)[0] ?? '';
    initrd = readFileSync(/-initrd '?(\S+?)'?\s/.exec(command)?.[1] ?? '');
  });

  afterAll(() => {
    for (const remove of folders) remove();
  });

  test('and no test goes without', () => {
    expect(mutants.map((mutant) => mutant.test).sort()).toEqual([...names].sort());
  });

  test('an unchanged guest passes all', async () => {
    const record = await run({});
    expect(record.suites[0]?.tests.filter((t) => t.outcome !== 'passed')).toEqual([]);
    expect(record.exitCode).toBe(0);
  });

  test.concurrent.each(mutants.map((mutant) => [mutant.test, mutant] as const))('%s', async (name, mutant) => {
    const changed = mutant.disk !== undefined || mutant.late !== undefined;
    const record = changed
      ? await run(
          { ...mutant.machine, initrd: 'mutant.img', append: 'rdinit=/mutate' },
          { 'mutant.img': mutate(initrd, mutant) },
        )
      : await run(mutant.machine ?? {});
    const failed = record.suites[0]?.tests.filter((t) => t.outcome !== 'passed') ?? [];
    expect(failed.map((t) => `${t.outcome}: ${t.name}`)).toEqual([`failed: ${name}`]);
    expect(record.exitCode).toBe(1);
  });
});

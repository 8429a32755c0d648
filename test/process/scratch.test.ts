import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { reapScratch, scratchFolder } from '../../src/process/index.ts';

const source = new URL('../../dist/process/index.js', import.meta.url).pathname;

test('the scratch folder of a process that was killed goes, one of a process that lives stays', async () => {
  const own = scratchFolder();
  const program = `const { scratchFolder } = await import(${JSON.stringify(source)});
    console.log(scratchFolder()); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout, 'data');
  const foreign = String(line).trim();
  writeFileSync(join(foreign, 'left'), 'x');
  reapScratch();
  expect(existsSync(foreign)).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  reapScratch();
  expect(existsSync(foreign)).toBe(false);
  expect(existsSync(own)).toBe(true);
  rmSync(own, { recursive: true });
});

test.runIf(process.getuid?.() === 0)(
  'what a killed build has mounted there is unmounted first, and not removed',
  ({ skip }) => {
    // The number of no process.
    const own = scratchFolder();
    rmSync(own, { recursive: true });
    const [, , namespace] = basename(own).split('-');
    const folder = mkdtempSync(join(tmpdir(), `gvm-scratch-${namespace}-4194305-1-`));
    const [content, point] = [join(folder, '..', `gvm-mounted-${process.pid}`), join(folder, 'root', 'dev')];
    for (const path of [content, point]) mkdirSync(path, { recursive: true });
    writeFileSync(join(content, 'precious'), '');
    const mounted = spawnSync('mount', ['--bind', content, point]).status === 0;
    try {
      if (!mounted) skip('root may not mount in this container');
      reapScratch();
      expect(existsSync(folder)).toBe(false);
      expect(readdirSync(content)).toEqual(['precious']);
    } finally {
      rmSync(content, { recursive: true });
      if (!mounted) rmSync(folder, { recursive: true });
    }
  },
);

test('a name that only resembles one of ours is left alone, and so is one of another PID namespace', () => {
  const names = [`gvm-scratch-1-other-${process.pid}`, 'gvm-scratch-1-4194305-1-abcdef'];
  for (const name of names) mkdirSync(join(tmpdir(), name), { recursive: true });
  reapScratch();
  const left = readdirSync(tmpdir());
  for (const name of names) {
    expect(left).toContain(name);
    rmSync(join(tmpdir(), name), { recursive: true });
  }
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

test('a name that only resembles one of ours is left alone', () => {
  const folder = join(tmpdir(), `gvm-scratch-1-other-${process.pid}`);
  mkdirSync(folder);
  reapScratch();
  expect(readdirSync(tmpdir())).toContain(`gvm-scratch-1-other-${process.pid}`);
  rmSync(folder, { recursive: true });
});

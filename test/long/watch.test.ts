import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { project, start, survivors } from '../e2e/gvm.ts';

const suite = (mode: string) => `suite: watched
tests:
  - { name: stays, command: { run: "true" } }
  - { name: is edited, file: { path: /etc/passwd, mode: "${mode}" } }
`;

test('--watch runs what was edited, without another boot, and outlives a suite that is wrong', async () => {
  const { folder: cwd, remove } = project({ 's.gvm.yaml': suite('0644') });
  const edit = (text: string) => writeFileSync(join(cwd, 's.gvm.yaml'), text);
  const run = start(['test', 's.gvm.yaml', '--watch'], { cwd });
  try {
    await run.said(/Tests +2 passed[\s\S]*watching/);
    edit(suite('0600'));
    await run.said(/Tests +1 failed[\s\S]*watching/);
    edit('suite: [');
    await run.said(/error: s\.gvm\.yaml:1:[\s\S]*watching/);
    edit(suite('0644'));
    await run.said(/Tests +1 passed/);
    run.kill('SIGINT');
    const { code, stdout } = await run.done;
    expect(code).toBe(130);
    // One boot, and three forks of it.
    expect(stdout.match(/ boots /g)).toHaveLength(1);
    expect(stdout).toContain('is edited');
    expect(await survivors()).toEqual([]);
  } finally {
    run.kill('SIGKILL');
    remove();
  }
});

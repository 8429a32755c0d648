import { expect, test } from 'vitest';
import { gvm, project, start, survivors } from '../e2e/gvm.ts';

const suite = `suite: paused
tests:
  - { name: fails, command: { run: "echo trace > /root/left; exit 7" } }
`;

test('a guest stays as a failed test left it until Enter is pressed', async () => {
  const { folder: cwd, remove } = project({ 's.gvm.yaml': suite });
  const run = start(['test', 's.gvm.yaml', '--pause-on-failure'], { cwd, terminal: true });
  try {
    await run.said(/exit: expected 0, found 7[\s\S]*gvm ssh paused-1[\s\S]*Press Enter to go on/);
    expect(await gvm(['ssh', 'paused-1', '--', 'cat /root/left'], { cwd })).toMatchObject({
      code: 0,
      stdout: 'trace\n',
    });
    run.type('\n');
    expect((await run.done).code).toBe(1);
    expect(await survivors()).toEqual([]);
  } finally {
    run.kill('SIGTERM');
    remove();
  }
});

test('Ctrl-C ends it there too', async () => {
  const { folder: cwd, remove } = project({ 's.gvm.yaml': suite });
  const run = start(['test', 's.gvm.yaml', '--pause-on-failure'], { cwd, terminal: true });
  try {
    await run.said(/Press Enter to go on/);
    run.type('\u0003');
    expect((await run.done).code).toBe(130);
    expect(await survivors()).toEqual([]);
  } finally {
    run.kill('SIGTERM');
    remove();
  }
});

test('it is refused where nobody can press Enter', async () => {
  const { folder: cwd, remove } = project({ 's.gvm.yaml': suite });
  const { code, stderr } = await gvm(['test', 's.gvm.yaml', '--pause-on-failure'], { cwd });
  remove();
  expect(code).toBe(2);
  expect(stderr).toContain('--pause-on-failure waits for Enter, and standard input is no terminal');
});

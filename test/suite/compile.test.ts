import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { builtins, compileSuite, loadSuite, refuseSameNames } from '../../src/suite/index.ts';

const text = `version: 1
suite: boot
image: openrc
machine: { memory: 512M, cpus: 2 }
tags: [smoke]
tests:
  - name: files
    tags: [files, smoke]
    timeout: 30s
    file:
      - { path: /etc/shadow, mode: "640" }
      - path: /etc/fstab
        contents:
          - UUID=
    openrc: { crashed: [] }
    eventually: { within: 5s }
    command: { run: "true", eventually: { within: 1s, every: 100ms } }
  - { name: skipped one, skip: "needs hardware", kernel: { taint: 0 } }
`;

test('a suite becomes a plan of plain data with the place of every key', () => {
  const plan = compileSuite(text, 'boot.gvm.yaml', builtins);
  expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  expect(plan).toMatchObject({
    name: 'boot',
    file: 'boot.gvm.yaml',
    image: 'openrc',
    machine: { memory: 512 * 2 ** 20, cpus: 2 },
    isolation: 'file',
    tags: ['smoke'],
  });
  expect(plan.sha256).toMatch(/^[0-9a-f]{64}$/);
  expect(plan.positions['["image"]']).toEqual([3, 8]);
  expect(plan.positions['["machine","cpus"]']).toEqual([4, 32]);
  const [files, skipped] = plan.tests;
  expect(skipped).toMatchObject({ id: 'boot/skipped one', skip: 'needs hardware', timeout: 120_000, tags: ['smoke'] });
  expect(files).toMatchObject({
    id: 'boot/files',
    tags: ['smoke', 'files'],
    timeout: 30_000,
    position: { file: 'boot.gvm.yaml', line: 7, column: 5 },
    steps: [
      [
        {
          kind: 'file',
          declaration: { path: '/etc/shadow', mode: '0640' },
          path: ['tests', 0, 'file', 0],
          eventually: { within: 5000, every: 1000 },
        },
        { kind: 'file', declaration: { path: '/etc/fstab', contents: ['UUID='] }, path: ['tests', 0, 'file', 1] },
        { kind: 'openrc', declaration: { crashed: [] }, path: ['tests', 0, 'openrc'] },
        {
          kind: 'command',
          declaration: { run: 'true' },
          path: ['tests', 0, 'command'],
          eventually: { within: 1000, every: 100 },
        },
      ],
    ],
  });
  const at = (...path: (string | number)[]) => files?.positions[JSON.stringify(['tests', 0, ...path])];
  expect(at('file', 0, 'mode')).toEqual([11, 36]);
  expect(at('file', 1)).toEqual([12, 9]);
  expect(at('file', 1, 'contents')).toEqual([13, 9]);
  expect(at('file', 1, 'contents', 0)).toEqual([14, 13]);
  expect(at('openrc', 'crashed')).toEqual([15, 24]);
  expect(files?.source[14]).toBe('          - UUID=');
});

test('the order of checks is that of the file', () => {
  const kinds = (body: string) =>
    compileSuite(`suite: s\ntests:\n  - name: t\n${body}`, 's', builtins)
      .tests[0]?.steps.flat()
      .map((c) => c.kind);
  const [kernel, command] = ['    kernel: { taint: 0 }\n', '    command: { run: x }\n'];
  expect([kinds(kernel + command), kinds(command + kernel)]).toEqual([
    ['kernel', 'command'],
    ['command', 'kernel'],
  ]);
});

test('two suites of one name are refused', () => {
  const plan = compileSuite(text, 'a.gvm.yaml', builtins);
  expect(() => refuseSameNames([plan, { ...plan, name: 'other' }])).not.toThrow();
  expect(() => refuseSameNames([plan, { ...plan, file: 'b.gvm.yaml' }])).toThrowError(
    expect.objectContaining({
      message: 'suite: the name "boot" is taken by a.gvm.yaml',
      position: { file: 'b.gvm.yaml', line: 2, column: 8 },
    }),
  );
});

test('loading refuses what is no readable text', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gvm-suite-'));
  try {
    const path = join(folder, 'x.gvm.yaml');
    const load = async (bytes: Uint8Array | string) => {
      writeFileSync(path, bytes);
      return await loadSuite(path, builtins, 'x');
    };
    await expect(load(text)).resolves.toMatchObject({ name: 'boot', file: 'x' });
    await expect(load(Uint8Array.of(0x73, 0xff, 0xfe))).rejects.toMatchObject({
      code: 'document-syntax',
      message: 'the suite is not UTF-8 text',
    });
    await expect(load('#'.repeat(2 ** 20 + 1))).rejects.toMatchObject({ code: 'document-syntax', exitCode: 2 });
    await expect(loadSuite(folder, builtins)).rejects.toMatchObject({ message: 'a suite is a regular file' });
    await expect(loadSuite(join(folder, 'no'), builtins, 'no')).rejects.toMatchObject({
      code: 'file-missing',
      message: 'the suite no does not exist',
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

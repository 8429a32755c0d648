import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FileValue } from '../../src/facts/file.ts';
import { builtinFacts, collect } from '../../src/facts/index.ts';
import { pathWord } from '../../src/facts/shell.ts';
import { localChannel, shells } from './local-channel.ts';

const root = userInfo().uid === 0;
let folder: string;
let socket: Server;

const nasty = [
  'plain',
  "it's",
  'a "quoted" name',
  'line\nbreak',
  '$(touch pwned)',
  '`touch pwned`',
  '-n',
  '--help',
  'a;b&c|d>e<f',
  '*?[x]',
  '~root',
  'tab\there',
  'back\\slash\\n',
  '@mark begin 0',
  'ünïcödé',
  ' leading and trailing ',
  '#comment',
  '!history',
  '%s%n',
];

const textOf = (name: string | undefined) => `contents of ${name}\n\n@x end 0 0\n\u0000\n`;
const sumOf = (sum: string, text: string) => createHash(sum).update(text).digest('hex');

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-facts-'));
  for (const name of nasty) writeFileSync(join(folder, name), textOf(name));
  chmodSync(join(folder, 'plain'), 0o4750);
  mkdirSync(join(folder, 'closed'), { mode: 0o700 });
  writeFileSync(join(folder, 'closed', 'secret'), 'x');
  symlinkSync('plain', join(folder, 'link'));
  symlinkSync('nowhere\nelse', join(folder, 'dangling'));
  writeFileSync(join(folder, 'empty'), '');
  writeFileSync(join(folder, 'large'), Buffer.alloc(2 ** 20 + 1, 'a'));
  writeFileSync(join(folder, 'limit'), Buffer.alloc(2 ** 20, 'a'));
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  socket = createServer();
  await new Promise<void>((resolve) => socket.listen(join(folder, 'socket'), resolve));
  if (root) chownSync(join(folder, 'empty'), 54321, 54322);
  chmodSync(folder, 0o755);
});

afterAll(async () => {
  await new Promise((resolve) => socket.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

async function ask(paths: readonly string[], shell = shells[0], extra: object = {}, cwd?: string) {
  const requests = paths.map((path) => ({ fact: 'file', args: { path, ...extra } }));
  return await collect(requests, { facts: builtinFacts, channel: localChannel(shell, cwd), timeout: 20_000 });
}

describe.each(shells.map((shell) => [shell.join(' '), shell] as const))('under %s', (_, shell) => {
  test('every name is taken as it is, and stat, sum and contents agree with the host', async () => {
    const paths = nasty.map((name) => join(folder, name));
    const answers = await ask(paths, shell, { sums: ['md5', 'sha256', 'sha512'], contents: true });
    for (const [i, path] of paths.entries()) {
      const stat = lstatSync(path);
      expect(answers[i], path).toEqual({
        value: {
          exists: true,
          type: 'file',
          mode: (stat.mode & 0o7777).toString(8).padStart(4, '0'),
          owner: execFileSync('stat', ['-c', '%U', '--', path]).toString().trim(),
          group: execFileSync('stat', ['-c', '%G', '--', path]).toString().trim(),
          uid: stat.uid,
          gid: stat.gid,
          size: stat.size,
          md5: sumOf('md5', textOf(nasty[i])),
          sha256: sumOf('sha256', textOf(nasty[i])),
          sha512: sumOf('sha512', textOf(nasty[i])),
          contents: textOf(nasty[i]),
        },
        diagnostics: [],
      });
    }
    expect(lstatSync(folder).isDirectory()).toBe(true);
    expect(() => lstatSync(join(folder, 'pwned'))).toThrow();
    expect(() => lstatSync('/pwned')).toThrow();
  });

  test('relative names and those with a leading dash are paths, not options', async () => {
    const answers = await ask(['-n', '--help', './plain'], shell, { contents: true }, folder);
    expect(answers.map((a) => (a.value as { contents: string }).contents.split('\n')[0])).toEqual([
      'contents of -n',
      'contents of --help',
      'contents of plain',
    ]);
  });

  test('types, links and what is missing', async () => {
    const names = ['closed', 'link', 'dangling', 'fifo', 'socket', 'missing', 'plain/below', 'missing/deep/down'];
    const answers = await ask([...names.map((n) => join(folder, n)), '/dev/null', '/'], shell, { target: true });
    expect(answers.flatMap((a) => a.diagnostics)).toEqual([]);
    const values = answers.map((a) => a.value as FileValue);
    expect(values.map((v) => (v.exists ? v.type : 'nothing'))).toEqual([
      'directory',
      'symlink',
      'symlink',
      'fifo',
      'socket',
      'nothing',
      'nothing',
      'nothing',
      'character',
      'directory',
    ]);
    expect(values.slice(1, 3).map((v) => v.exists && v.target)).toEqual(['plain', 'nowhere\nelse']);
  });

  test('contents: empty ones, the largest, too large ones, none', async () => {
    const names = ['empty', 'limit', 'large', 'closed', 'fifo', 'link'];
    const answers = await ask(
      names.map((n) => join(folder, n)),
      shell,
      { contents: true },
    );
    const lengths = answers.map((a) => (a.value as { contents?: string }).contents?.length);
    expect(lengths).toEqual([0, 2 ** 20, undefined, undefined, undefined, 32]);
    expect(answers.map((a) => a.diagnostics)).toEqual([
      [],
      [],
      [`${join(folder, 'large')}: its contents are not read, they are larger than 1048576 bytes`],
      [`${join(folder, 'closed')} is no regular file, or may not be read`],
      [`${join(folder, 'fifo')} is no regular file, or may not be read`],
      [],
    ]);
  });

  test.runIf(root)('an owner without a name is its number', async () => {
    const [answer] = await ask([join(folder, 'empty')], shell);
    expect(answer?.value).toMatchObject({ owner: '54321', group: '54322', uid: 54321 });
  });

  test.runIf(root)('without permission to look, nothing is said to be absent', async () => {
    const [program, ...args] = shell;
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', program, ...args] as const;
    const paths = ['closed/secret', 'closed/no/such', 'missing', 'plain'].map((n) => join(folder, n));
    const answers = await ask(paths, nobody, { contents: true });
    expect(answers.map((a) => a.value)).toMatchObject([
      undefined,
      undefined,
      { exists: false },
      { mode: '4750' },
    ] as object[]);
    expect(answers[0]?.diagnostics[0]).toBe(
      `${paths[0]}: a folder on the way to it may not be searched by the login user`,
    );
    expect(answers[3]?.diagnostics).toEqual([`${paths[3]} is no regular file, or may not be read`]);
  });
});

test('any text is one word for the shell', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', minLength: 1 }).filter((s) => !s.includes('\0')),
      (text) => {
        const said = execFileSync('/bin/sh', ['-c', `printf %s ${pathWord(text)}`]).toString();
        expect(said).toBe(text.startsWith('/') ? text : `./${text}`);
      },
    ),
    { numRuns: 60 },
  );
});

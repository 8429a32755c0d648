import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLog } from '../../../src/core/index.ts';
import { CheckpointStore } from '../../../src/lab/index.ts';

const { signal } = new AbortController();
const about = { image: 'openrc', guest: 'g', memory: 2 ** 20, hostKey: 'ssh-ed25519 AAAA', bootMs: 5000 };
const keys = ['a', 'b'].map((letter) => letter.repeat(64));
const [key = ''] = keys;
let home: string;
let said: string[];
const open = () =>
  new CheckpointStore(
    home,
    createLog((line) => said.push(line), 0),
  );
const fill = async (folder: string) => {
  for (const name of ['memory', 'state', 'key']) writeFileSync(join(folder, name), `${name} of a guest`);
  return { console: true };
};

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'gvm-checkpoints-'));
  said = [];
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

test('what was made is found again, listed, and removed', async () => {
  using store = open();
  expect(await store.find(key, signal)).toBeUndefined();
  const made = await store.make({ key, ...about }, fill, signal);
  expect(readFileSync(join(made.folder, 'state'), 'utf8')).toBe('state of a guest');
  expect((await open().find(key, signal))?.manifest).toEqual(made.manifest);
  expect(await store.list()).toMatchObject([{ manifest: { key }, inUse: true }]);
  expect(await store.remove(key)).toBe(true);
  expect(await store.remove(key)).toBe(false);
  expect(await store.list()).toEqual([]);
});

test('what serves one run alone is not listed, and is gone when it is dropped or its process is', async () => {
  using store = open();
  const held = await store.hold({ key, ...about }, fill);
  expect(readFileSync(join(held.folder, 'state'), 'utf8')).toBe('state of a guest');
  open();
  expect(readdirSync(held.folder)).toHaveLength(3);
  expect(await store.list()).toEqual([]);
  await store.drop(held);
  await expect(store.hold({ key, ...about }, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(readdirSync(join(home, 'checkpoints'))).toEqual([]);
  mkdirSync(join(home, 'checkpoints', `.run-${2 ** 22}-abcd`));
  open();
  expect(readdirSync(join(home, 'checkpoints'))).toEqual([]);
});

test.each(['memory', 'state', 'key', 'checkpoint.json'])(
  'one with a changed byte in %s is discarded, and said so',
  async (file) => {
    await open().make({ key, ...about }, fill, signal);
    const path = join(home, 'checkpoints', key, file);
    const bytes = readFileSync(path);
    bytes[3] = (bytes[3] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    expect(await open().find(key, signal)).toBeUndefined();
    expect(said.join('\n')).toMatch(/a checkpoint was discarded and is made anew/);
    expect(await open().list()).toEqual([]);
  },
);

test('one that lacks a file, or has more bytes, is discarded too', async () => {
  for (const damage of [(f: string) => rmSync(f), (f: string) => appendFileSync(f, 'x')]) {
    await open().make({ key, ...about }, fill, signal);
    damage(join(home, 'checkpoints', key, 'memory'));
    expect(await open().find(key, signal)).toBeUndefined();
  }
});

test('a failed one leaves nothing, and one of a gvm that was killed is swept', async () => {
  const trouble = new Error('no space');
  await expect(open().make({ key, ...about }, () => Promise.reject(trouble), signal)).rejects.toBe(trouble);
  mkdirSync(join(home, 'checkpoints', `.work-999999999-${key}`));
  using store = open();
  expect(await store.list()).toEqual([]);
  expect(readdirSync(join(home, 'checkpoints')).filter((name) => !name.startsWith('.use-'))).toEqual([]);
});

test('of two that are made at once the first one stays, and both are used', async () => {
  const [one, two] = [open(), open()];
  const slow = async (folder: string) => {
    await fill(folder);
    await two.make({ key, ...about, guest: 'faster' }, fill, signal);
    return { console: true };
  };
  const made = await one.make({ key, ...about, guest: 'slower' }, slow, signal);
  expect(made.manifest.guest).toBe('faster');
  expect(await one.list()).toHaveLength(1);
});

test('beyond its limit those go that were not used for longest; one in use stays', async () => {
  const size = 2 ** 20;
  const fat = async (folder: string) => {
    writeFileSync(join(folder, 'memory'), Buffer.alloc(size, 1));
    return { console: true };
  };
  const limited = () =>
    new CheckpointStore(
      home,
      createLog(() => {}, 0),
      2.5 * size,
    );
  const names = async () => (await limited().list()).map(({ manifest }) => manifest.key[0]).sort();
  const aged = async (letter: string, minutes: number) => {
    using store = limited();
    await store.make({ key: letter.repeat(64), ...about }, fat, signal);
    const then = new Date(Date.now() - minutes * 60_000);
    utimesSync(join(home, 'checkpoints', letter.repeat(64)), then, then);
  };
  await aged('a', 30);
  await aged('b', 20);
  using user = limited();
  expect(await user.find('a'.repeat(64), signal)).toBeDefined();
  await aged('c', 10);
  expect(await names()).toEqual(['a', 'c']);
});

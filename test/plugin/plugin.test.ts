import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { definePlugin, loadPlugins, type Plugin, withPlugins } from '../../src/plugin/index.ts';
import { documentSchemas, toJsonSchema } from '../../src/schema/index.ts';
import { builtins, compileSuite, runTest, runTestOffline, schemaSources } from '../../src/suite/index.ts';
import { localChannel } from '../facts/local-channel.ts';
import { poweredOff } from '../facts/tree-disk.ts';

const fixture = fileURLToPath(new URL('../fixtures/plugin/hostname.mjs', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-plugin-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A plugin's file that imports our sources where a project's would import the package. */
function written(text: string, name = 'plugin.mjs'): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function loadFixture(): Promise<Plugin[]> {
  const kinds = fileURLToPath(new URL('../../src/plugin/index.ts', import.meta.url));
  const text = readFileSync(fixture, 'utf8').replace("'gvm-test/plugin'", JSON.stringify(kinds));
  return await loadPlugins([written(text)]);
}

const place = { arch: 'x86_64', memory: 2 ** 30, network: 'restricted', accelerator: 'tcg' } as const;

test('and by a powered-off disk, where it can', async () => {
  const registry = withPlugins(builtins, await loadFixture());
  const [planned] = compileSuite(
    'suite: s\ntests: [{ name: t, hostname: { name: larry } }]\n',
    's.gvm.yaml',
    registry,
  ).tests;
  const named = await poweredOff({ '/etc/hostname': 'larry\n' });
  const nameless = await poweredOff({ '/etc/': '' });
  const run = (disk: typeof named.disk) => runTestOffline(planned ?? expect.unreachable(), { disk, registry });
  expect(await run(named.disk)).toMatchObject({ outcome: 'passed' });
  expect(await run(nameless.disk)).toMatchObject({ outcome: 'skipped', reason: 'the name is given at boot' });
  await Promise.all([named.remove(), nameless.remove()]);
});

test('a plugin says more in suites, and is answered by the guest', async () => {
  const registry = withPlugins(builtins, await loadFixture());
  const line = (name: string) => `suite: s\ntests: [{ name: t, hostname: { name: { starts: "${name}" } } }]\n`;
  const verdictOf = async (name: string) => {
    const [planned] = compileSuite(line(name), 's.gvm.yaml', registry).tests;
    const signal = new AbortController().signal;
    return await runTest(planned ?? expect.unreachable(), {
      channel: localChannel(),
      registry,
      signal,
      scale: 1,
      place,
    });
  };
  expect(await verdictOf(hostname().slice(0, 3))).toMatchObject({ outcome: 'passed', diagnostics: [] });
  expect((await verdictOf('no-such-')).failures).toMatchObject([
    { check: 'hostname', message: 'name: does not begin with no-such-', position: { line: 2, column: 48 } },
  ]);
});

test('the registry that it is added to stays as it was', async () => {
  const registry = withPlugins(builtins, await loadFixture());
  expect(registry.checks.map((check) => check.name)).toEqual([...builtins.checks.map((c) => c.name), 'hostname']);
  const { suite } = documentSchemas(schemaSources(builtins));
  const { suite: more } = documentSchemas(schemaSources(registry));
  const defined = (schema: typeof suite) => (toJsonSchema(schema ?? expect.unreachable()).$defs ?? {}) as object;
  expect(defined(suite)).not.toHaveProperty('hostnameCheck');
  expect(defined(more)).toHaveProperty('hostnameCheck');
});

describe('a plugin whose kinds clash is refused', () => {
  const kind = builtins.checks[0];
  test.each([
    [{ checks: [kind] }, /check file is there already, from gvm$/],
    [{ checks: [{ ...kind, name: 'skip' }] }, /check skip has the name of a key that every test has/],
    [{ checks: [{ ...kind, name: 'No Name' }] }, /needs a name of lower-case letters/],
    [{ facts: [builtins.facts[0]] }, /fact file is there already/],
    [{ matchers: builtins.matchers.slice(0, 1) }, /matcher equals is there already/],
  ])('%#', (kinds, message) => {
    const plugin = definePlugin({ name: 'mine', ...kinds } as Plugin);
    expect(() => withPlugins(builtins, [plugin])).toThrow(message);
  });

  test('two plugins with one name', () => {
    const mine = definePlugin({ name: 'mine', checks: [{ ...kind, name: 'own' }] });
    expect(() => withPlugins(builtins, [mine, { ...mine, name: 'other' }])).toThrow(/from plugin mine$/);
  });
});

describe('a file that is no plugin', () => {
  test.each([
    ['export default 1;', /its default export is no plugin: /],
    ['export const a = 1;', /its default export is no plugin: /],
    ['export default { name: "x", check: [] };', /Unrecognized key/i],
    [
      'export default { name: "x", checks: [{ name: "y", description: "z" }] };',
      /checks: 0: expected name, description/,
    ],
    ['throw new Error("at the top");', /cannot be loaded: at the top/],
    ['export default {', /cannot be loaded: /],
  ])('%s', async (text, message) => {
    const error = await loadPlugins([written(text)]).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'plugin-invalid', exitCode: 2, message: expect.stringMatching(message) });
  });

  test('is missing', async () => {
    const error = await loadPlugins([join(folder, 'none.mjs')]).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'file-missing' });
  });
});

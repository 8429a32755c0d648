import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { documentSchemas, toJsonSchema } from '../../src/schema/index.ts';
import { builtins, schemaSources } from '../../src/suite/index.ts';
import { LanguageServer } from './language-server.ts';

// What an editor makes of the published schema of suites, by the language server that editors use for YAML.

let folder: string;
let server: LanguageServer;
let count = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-editor-'));
  const schema = join(folder, 'suite.schema.json');
  const { suite } = documentSchemas(schemaSources(builtins));
  writeFileSync(schema, JSON.stringify(toJsonSchema(suite ?? expect.unreachable())));
  server = await LanguageServer.start(pathToFileURL(schema).href);
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** A document in which `|` stands for the cursor. */
async function at(marked: string) {
  const uri = pathToFileURL(join(folder, `s${count++}.gvm.yaml`)).href;
  const before = marked.slice(0, marked.indexOf('|')).split('\n');
  const position = { line: before.length - 1, character: before.at(-1)?.length ?? 0 };
  const diagnostics = await server.open(uri, marked.replace('|', ''));
  return { textDocument: { uri }, position, diagnostics };
}

async function completions(marked: string): Promise<string[]> {
  const { textDocument, position } = await at(marked);
  const answer = (await server.request('textDocument/completion', { textDocument, position })) as {
    items: { label: string }[];
  };
  return answer.items.map(({ label }) => label);
}

test('keys of a suite, of a test, of a check and of a step are proposed', async () => {
  expect(await completions('suite: s\n|\n')).toEqual(
    expect.arrayContaining(['image', 'machine', 'setup', 'tests', 'vars']),
  );
  expect(await completions('suite: s\ntests:\n  - name: t\n    |\n')).toEqual(
    expect.arrayContaining(['file', 'openrc', 'steps', 'xfail']),
  );
  expect(await completions('suite: s\ntests:\n  - name: t\n    file:\n      |\n')).toEqual(
    expect.arrayContaining(['path', 'mode', 'eventually']),
  );
  expect(await completions('suite: s\ntests:\n  - name: t\n    steps:\n      - |\n')).toEqual(
    expect.arrayContaining(['reboot', 'crash', 'upload', 'command']),
  );
});

test('values of a fixed choice are proposed', async () => {
  const states = await completions('suite: s\ntests:\n  - name: t\n    service:\n      name: sshd\n      state: |\n');
  expect(states).toEqual(expect.arrayContaining(['started', 'stopped', 'crashed', 'failed']));
});

test('a key says what it means', async () => {
  const place = await at('suite: s\ntests:\n  - name: t\n    f|ile: { path: /a, exists: true }\n');
  const hover = (await server.request('textDocument/hover', place)) as { contents: { value: string } };
  expect(hover.contents.value).toContain('a path in the guest and what stands there');
});

test('what gvm refuses is marked, and what it takes is not', async () => {
  const wrong = await at('suite: s\ntests:\n  - name: t\n    fle: { path: /a }\n    timeout: 5\n|');
  expect(wrong.diagnostics.map(({ message, range }) => [range.start.line, message])).toEqual(
    expect.arrayContaining([
      [3, expect.stringContaining('fle')],
      [4, expect.stringContaining('string')],
    ]),
  );
  const right = await at(`suite: s
vars: { port: 22 }
tests:
  - name: t
    file: [{ path: /a, mode: "0644", size: { gt: 1 } }]
    command: { run: "true", stdout: [{ matches: "^x" }] }
  - name: u
    steps: [{ wait: 1s }, { reboot: {} }, { network: cut }, { port: { port: "tcp:22", listening: true } }]
|`);
  expect(right.diagnostics).toEqual([]);
});

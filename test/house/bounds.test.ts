import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = new URL('../..', import.meta.url).pathname;
const CONSTANT = /^(?:export )?const ((?:MOST|LONGEST|LARGEST|DEEPEST|HIGHEST)(?:_\w+)?) = (.*);$/gm;
const READERS = /^(?:disk\/(?!nbd\/|source\/(?!vmdk)|index)|inspect\/(?!cache)|facts\/(?:rpm|journal-file)\/)/;

test('docs/bounds.md has every bound of the readers, with its value', () => {
  const page = readFileSync(join(root, 'docs/bounds.md'), 'utf8');
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && READERS.test(file),
  );
  const bounds = files.flatMap((file) =>
    [...readFileSync(join(root, 'src', file), 'utf8').matchAll(CONSTANT)].map(
      ([, name, value]) => `| ${file.replace(/\.ts$/, '')} | ${name} | ${value} |`,
    ),
  );
  expect(bounds.length).toBeGreaterThan(60);
  expect(bounds.filter((row) => !page.includes(row))).toEqual([]);
});

import { parseBytes, showBytes } from '../../core/index.ts';
import type { LoadedCommand } from '../command.ts';
import type { OpenedImage } from '../disk/session.ts';
import { pathIn } from '../disk/session.ts';
import { quoteWord, splitWords } from './words.ts';

const MOST = 2000;

/** What the end of a line may go on as: a command, an option of its, or a path in the image. */
export async function complete(
  line: string,
  opened: OpenedImage,
  commands: readonly LoadedCommand[],
  own: readonly string[],
): Promise<[string[], string]> {
  const { words, last } = splitWords(line);
  const typed = line.slice(last);
  const first = words.length === 0 || (words.length === 1 && typed !== '');
  if (first) {
    const names = [...commands.map(({ name }) => name), ...own].sort();
    return [names.filter((name) => name.startsWith(typed)).map((name) => `${name} `), typed];
  }
  if (typed.startsWith('-')) {
    const options = commands.find(({ name }) => name === words[0])?.options ?? [];
    return [options.map((name) => `--${name}`).filter((name) => name.startsWith(typed)), typed];
  }
  return [await paths(typed === '' ? '' : (words.at(-1) ?? ''), opened), typed];
}

async function paths(word: string, opened: OpenedImage): Promise<string[]> {
  const slash = word.lastIndexOf('/') + 1;
  const [folder, begun] = [word.slice(0, slash), word.slice(slash)];
  const found = await opened.tree.vfs.find(pathIn(opened, parseBytes(folder)), { signal: opened.signal });
  if (found?.node.stat.type !== 'directory') return [];
  const hits: string[] = [];
  for await (const entry of found.node.entries(opened.signal)) {
    const name = showBytes(entry.name);
    if (!name.startsWith(begun) || (begun === '' && name.startsWith('.'))) continue;
    const isFolder = (entry.type ?? (await entry.node(opened.signal)).stat.type) === 'directory';
    hits.push(`${quoteWord(folder + name)}${isFolder ? '/' : ' '}`);
    if (hits.length >= MOST) break;
  }
  return hits.sort();
}

// The words of a line of gvm shell: white space parts them unless it stands in quotes or behind a backslash. `\xNN` and
// `\\` stay, for they name bytes in the paths of an image.

/** The words, and where the last one begins; a line that ends in white space has an empty last one. */
export function splitWords(line: string): { words: string[]; last: number } {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  let last = line.length;
  for (let at = 0; at < line.length; at++) {
    const c = line[at] as string;
    if (quote === undefined && /\s/.test(c)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    if (word === undefined) {
      word = '';
      last = at;
    }
    if (quote === undefined && (c === '"' || c === "'")) quote = c;
    else if (c === quote) quote = undefined;
    else if (c === '\\' && quote !== "'" && /[\s"']/.test(line[at + 1] ?? '')) word += line[++at];
    // Two of them name one, and the second guards nothing.
    else if (c === '\\' && line[at + 1] === '\\') word += `${c}${line[++at]}`;
    else word += c;
  }
  if (word !== undefined) words.push(word);
  else last = line.length;
  return { words, last };
}

/** A word as it has to be written to be taken as one. */
export function quoteWord(word: string): string {
  return word.replace(/[\s"']/g, '\\$&');
}

/**
 * Whether a name matches a pattern: `*` any characters, `?` one, `[a-z]` and `[!a-z]` one of a set (glob(7)). Time is
 * bounded by the product of both lengths, whatever the pattern.
 */
export function globPattern(pattern: string): (name: string) => boolean {
  const parts = [...pattern.matchAll(/\*+|\?|\[!?\]?[^\]]*\]|[\s\S]/gu)].map(([text]) => partOf(text));
  return (name) => {
    const letters = [...name];
    // A classic two-pointer match: only the last star is ever tried again.
    let [at, part, star, mark] = [0, 0, -1, 0];
    while (at < letters.length) {
      const here = parts[part];
      if (here !== undefined && here !== 'star' && here(letters[at] as string)) {
        at++;
        part++;
      } else if (here === 'star') {
        star = part++;
        mark = at;
      } else if (star >= 0) {
        part = star + 1;
        at = ++mark;
      } else return false;
    }
    while (parts[part] === 'star') part++;
    return part === parts.length;
  };
}

function partOf(text: string): 'star' | ((letter: string) => boolean) {
  if (text.startsWith('*')) return 'star';
  if (text === '?') return () => true;
  if (text.length < 3 || !text.startsWith('[')) return (letter) => letter === text;
  const negated = text[1] === '!';
  const set = [...text.slice(negated ? 2 : 1, -1)];
  return (letter) => {
    let inside = false;
    for (let i = 0; i < set.length; i++) {
      const [from, dash, to] = [set[i] as string, set[i + 1], set[i + 2]];
      if (dash === '-' && to !== undefined) {
        inside ||= from <= letter && letter <= to;
        i += 2;
      } else inside ||= letter === from;
    }
    return inside !== negated;
  };
}

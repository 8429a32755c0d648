/** The lines of a configuration file that say something: without comments and white space around them. */
export function settingLines(text: string | undefined, most = 2000): string[] {
  const lines: string[] = [];
  for (const line of (text ?? '').split('\n')) {
    const own = line.trim();
    if (own === '' || own.startsWith('#') || own.startsWith(';')) continue;
    lines.push(own);
    if (lines.length >= most) break;
  }
  return lines;
}

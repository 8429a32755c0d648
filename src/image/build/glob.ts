/**
 * A matcher for shell patterns over paths without a leading slash: `*` and `?` stay within a part, `**` crosses parts.
 * A pattern that names a folder takes in what is below it.
 */
export function pathMatcher(patterns: readonly string[]): (path: string) => boolean {
  const tests = patterns.map((pattern) => {
    const source = pattern
      .replace(/^\//, '')
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replace(/\*\*|\*|\?/g, (wild) => (wild === '**' ? '.*' : wild === '*' ? '[^/]*' : '[^/]'));
    return new RegExp(`^${source}(/.*)?$`);
  });
  return (path) => tests.some((test) => test.test(path));
}

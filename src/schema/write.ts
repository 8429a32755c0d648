import { Document, isCollection, isScalar, isSeq, visit } from 'yaml';

const HIDDEN = /[\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;
/** Collections as deep as the declaration of a check in a list are written on one line. */
const INLINE = 4;
const MOST_ON_A_LINE = 6;

/**
 * YAML text of plain data, as a person would write a suite: blocks, with each of the inner collections on a line. What a
 * terminal would act on is escaped. `comment` goes before it, each of its lines behind a `#`.
 */
export function writeDocument(value: unknown, comment: readonly string[]): string {
  const document = new Document(value, { version: '1.2', schema: 'core', aliasDuplicateObjects: false });
  visit(document, (_, node, path) => {
    if (isCollection(node)) {
      const depth = path.filter(isCollection).length;
      node.flow = depth > INLINE || (depth === INLINE && !(isSeq(node) && node.items.length > MOST_ON_A_LINE));
    }
    if (isScalar(node) && typeof node.value === 'string' && node.value.search(HIDDEN) >= 0) node.type = 'QUOTE_DOUBLE';
  });
  const text = document.toString({
    lineWidth: 118,
    flowCollectionPadding: true,
    doubleQuotedMinMultiLineLength: 10_000,
  });
  const escaped = text.replace(HIDDEN, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `${comment.map((line) => `# ${line}\n`).join('')}${escaped}`;
}

import { clip, printable } from '../../core/index.ts';

/** The message of a workflow command: one line, with GitHub's own escapes (actions/toolkit, core/src/command.ts). */
export function commandText(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

/** A property of a workflow command, which may not end it. */
export function commandProperty(text: string): string {
  return commandText(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

/**
 * Text inside of `<code>` or `<pre>` in Markdown: everything but letters, digits and spaces becomes a character
 * reference, which neither Markdown nor HTML takes for structure; line ends too, since an empty line would end the block.
 */
export function markdownText(text: string, longest: number): string {
  const plain = printable(clip(text, longest));
  return plain.replace(/[!-/:-@[-`{-~\t\n]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

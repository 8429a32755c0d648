import { clip, printable } from '../core/index.ts';

const LONGEST = 64 * 1024;

/**
 * Text that may stand anywhere in an XML 1.0 document: without ANSI sequences, control characters made visible,
 * lone surrogates replaced, of bounded length. The end mark of a CDATA section is torn apart: junit-report-builder
 * splits the first of them only.
 */
export function xmlText(text: string): string {
  return printable(clip(text, LONGEST))
    .replace(/[\ufffe\uffff]/g, '\ufffd')
    .replaceAll(']]>', ']] >');
}

/** Text as the value of an attribute in double quotes. */
export function xmlAttribute(text: string): string {
  return xmlText(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#xA;')
    .replaceAll('\t', '&#x9;');
}

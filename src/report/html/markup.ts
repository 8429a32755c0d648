import { printable } from '../../core/index.ts';

/** Markup that is safe to put into a page: made by `html` alone. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type Part = Markup | string | number | undefined | false | readonly Part[];

/** Markup from a template; every value that is no markup itself is escaped, so no text of a guest becomes an element. */
export function html(literals: TemplateStringsArray, ...parts: Part[]): Markup {
  return new Markup(literals.reduce((text, literal, i) => text + textOf(parts[i - 1]) + literal));
}

function textOf(part: Part): string {
  if (part instanceof Markup) return part.text;
  if (part === undefined || part === false) return '';
  if (typeof part === 'object') return part.map(textOf).join('');
  return escapeHtml(String(part));
}

const REFERENCES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text of an element or of a quoted attribute; control and bidirectional characters are made visible. */
export function escapeHtml(text: string): string {
  return printable(text).replace(/[&<>"']/g, (sign) => REFERENCES[sign] ?? sign);
}

/** A path as it stands in the address of a link. */
export function urlPath(path: string): string {
  return path.split('/').map(urlPart).join('/');
}

/** The name under which the part of a guest can be linked to. */
export function anchorOf(guest: string): string {
  return `guest-${urlPart(guest)}`;
}

/** Half characters have no form in an address. */
function urlPart(text: string): string {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd'));
}

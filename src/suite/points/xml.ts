// Reads the subset of XML 1.0 (www.w3.org/TR/xml) that test reports are written in: elements, attributes, text, CDATA,
// comments, processing instructions, the five named and the numeric character references. Refused: document types and
// with them all other entities, what is not well-formed, more than 100,000 elements or 64 levels. Not read: namespaces.

export interface XmlElement {
  name: string;
  attributes: Readonly<Record<string, string>>;
  children: XmlElement[];
  /** The text directly in it. */
  text: string;
}

/** Where and why a text is not read. */
export class XmlError extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(`${message} (at character ${offset})`);
    this.name = 'XmlError';
    this.offset = offset;
  }
}

const MOST_ELEMENTS = 100_000;
const DEEPEST = 64;
const NAME = /[A-Za-z_:][\w:.-]*/y;
const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** The root element. @throws XmlError */
export function parseXml(text: string): XmlElement {
  return new XmlReader(text.replace(/^\ufeff/, '')).document();
}

class XmlReader {
  readonly #text: string;
  #at = 0;
  #count = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): XmlElement {
    this.#between();
    if (this.#text[this.#at] !== '<') throw this.#error('expected an element');
    const root = this.#element(1);
    this.#between();
    if (this.#at < this.#text.length) throw this.#error('text after the root element');
    return root;
  }

  /** White space, comments and instructions around the root. */
  #between(): void {
    for (;;) {
      while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
      if (!this.#skipped()) return;
    }
  }

  #skipped(): boolean {
    if (this.#is('<!--')) this.#until('-->');
    else if (this.#is('<?')) this.#until('?>');
    else if (this.#is('<!DOCTYPE')) throw this.#error('document types are not read');
    else return false;
    return true;
  }

  #element(depth: number): XmlElement {
    if (++this.#count > MOST_ELEMENTS) throw this.#error(`more than ${MOST_ELEMENTS} elements`);
    if (depth > DEEPEST) throw this.#error(`elements are nested deeper than ${DEEPEST}`);
    this.#expect('<');
    const name = this.#name();
    const attributes = this.#attributes();
    const element: XmlElement = { name, attributes, children: [], text: '' };
    if (this.#is('/>')) {
      this.#at += 2;
      return element;
    }
    this.#expect('>');
    for (;;) {
      if (this.#is('</')) break;
      if (this.#is('<![CDATA[')) element.text += this.#until(']]>').slice(9, -3);
      else if (this.#skipped()) continue;
      else if (this.#is('<')) element.children.push(this.#element(depth + 1));
      else element.text += this.#characters();
    }
    this.#at += 2;
    if (this.#name() !== name) throw this.#error(`expected the end of <${name}>`);
    this.#space();
    this.#expect('>');
    return element;
  }

  #attributes(): Record<string, string> {
    const found = new Map<string, string>();
    for (;;) {
      const spaced = this.#space();
      if (this.#is('>') || this.#is('/>')) return Object.fromEntries(found);
      if (!spaced) throw this.#error('expected the end of the tag');
      const name = this.#name();
      if (found.has(name)) throw this.#error(`the attribute ${name} stands twice`);
      this.#space();
      this.#expect('=');
      this.#space();
      const quote = this.#text[this.#at] ?? '';
      if (quote !== '"' && quote !== "'") throw this.#error('expected a quoted value');
      const end = this.#text.indexOf(quote, this.#at + 1);
      const value = this.#text.slice(this.#at + 1, end);
      if (end < 0 || value.includes('<')) throw this.#error('the value has no end');
      found.set(name, this.#decode(value));
      this.#at = end + 1;
    }
  }

  #characters(): string {
    const end = this.#text.indexOf('<', this.#at);
    if (end < 0) throw this.#error('an element has no end');
    const text = this.#text.slice(this.#at, end);
    this.#at = end;
    return this.#decode(text);
  }

  #decode(text: string): string {
    return text.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(\w{1,32}));|&/g, (all, decimal, hex, named) => {
      if (named !== undefined && Object.hasOwn(NAMED, named)) return NAMED[named] ?? '';
      const code = decimal === undefined ? Number.parseInt(hex ?? 'x', 16) : Number(decimal);
      if (!(code > 0 && code <= 0x10ffff)) throw this.#error(`unknown reference ${all.slice(0, 20)}`);
      return String.fromCodePoint(code);
    });
  }

  #name(): string {
    NAME.lastIndex = this.#at;
    const [name] = NAME.exec(this.#text) ?? [];
    if (name === undefined) throw this.#error('expected a name');
    this.#at += name.length;
    return name;
  }

  #space(): boolean {
    const from = this.#at;
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
    return this.#at > from;
  }

  #is(token: string): boolean {
    return this.#text.startsWith(token, this.#at);
  }

  #expect(token: string): void {
    if (!this.#is(token)) throw this.#error(`expected ${token}`);
    this.#at += token.length;
  }

  /** Everything up to and with a token. */
  #until(token: string): string {
    const end = this.#text.indexOf(token, this.#at);
    if (end < 0) throw this.#error(`${token} is missing`);
    const all = this.#text.slice(this.#at, end + token.length);
    this.#at = end + token.length;
    return all;
  }

  #error(message: string): XmlError {
    return new XmlError(message, this.#at);
  }
}

import { html, type Markup } from './markup.ts';

/** Characters of output that one page holds in all, and of one text. */
const ALL = 6 * 2 ** 20;
const ONE = 300_000;

/** What is left of the room for long texts: a page of many megabytes opens nowhere. */
export class Budget {
  #left = ALL;

  /** Takes room for so many characters, where there is so much. */
  takes(length: number): boolean {
    if (length > this.#left) return false;
    this.#left -= length;
    return true;
  }

  /** A text as `<pre>`, or a note that it was left out. */
  pre(text: string, kind = ''): Markup {
    const shown = text.slice(0, ONE);
    if (!this.takes(shown.length)) return html`<p class="note">left out here for its length; it stands in run.json</p>`;
    return html`<pre class="${kind}" tabindex="0">${shown}${text.length > ONE && '\n…'}</pre>`;
  }
}

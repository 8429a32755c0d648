import { formatDuration, formatSize, shellQuote } from '../../core/index.ts';
import type { GuestRecord, HealthFinding } from '../../schema/index.ts';
import { placeOfBoot } from '../cases.ts';
import type { Consoles, Pictures } from '../reporter.ts';
import { expiryOf, postMortemText } from '../wording.ts';
import type { Budget } from './budget.ts';
import { anchorOf, html, type Markup, urlPath } from './markup.ts';
import { lengthOf, timeline } from './timeline.ts';

/** Every guest: how its boot went, what was found in it, its console, its machine and the command line of QEMU. */
export function guestsSection(
  guests: readonly GuestRecord[],
  { consoles, pictures }: { consoles: Consoles; pictures: Pictures },
  budget: Budget,
): Markup | undefined {
  if (guests.length === 0) return undefined;
  const scale = Math.max(...guests.map((guest) => lengthOf(guest.boot)));
  return html`<section id="guests" aria-label="guests"><h2>Guests</h2>
${guests.map((guest) => guestBlock(guest, scale, { log: consoles.get(guest.name), picture: pictures.get(guest.name) }, budget))}</section>`;
}

interface Remains {
  log: string | undefined;
  picture: Buffer | undefined;
}

function guestBlock(guest: GuestRecord, scale: number, { log, picture }: Remains, budget: Budget): Markup {
  const { boot, image, kernel, kept } = guest;
  const died = boot.outcome === 'failed' || boot.outcome === 'timeout';
  const facts = [
    image.name,
    ...(kernel === undefined ? [] : [`Linux ${kernel}`]),
    ...(boot.readyMs === undefined ? [boot.outcome] : [`ready after ${formatDuration(boot.readyMs)}`]),
  ];
  return html`<article class="guest" id="${anchorOf(guest.name)}">
<h3>${guest.name} <small>${facts.join(', ')}</small></h3>
${timeline(boot, scale)}
${died && html`<p class="bad">${boot.message ?? boot.cause ?? boot.outcome}</p><p class="note">${placeOfBoot(guest)}, blame: ${boot.blame ?? 'unknown'}</p>`}
${boot.evidence && boot.evidence.length > 0 && html`<pre class="evidence" tabindex="0">${boot.evidence.join('\n')}</pre>`}${picture && screenBlock(guest, picture, budget)}
${guest.postMortem && html`<h4>what its disk shows</h4><pre class="evidence" tabindex="0">${postMortemText(guest.postMortem).join('\n')}</pre>`}
${guest.health.length > 0 && html`<h4>found unasked</h4><ul class="health">${guest.health.map(finding)}</ul>`}
${kept !== undefined && html`<p>It was kept; this leads back in: <code>${kept}</code></p>`}
${log !== undefined && consoleBlock(guest, log, budget)}
<details><summary>machine and QEMU command line</summary><div class="body">
<dl class="facts">${Object.entries(guest.machine).map(([key, value]) => html`<dt>${key}</dt><dd>${shownValue(key, value)}</dd>`)}<dt>image</dt><dd>${image.digest}</dd></dl>
${guest.argv.length > 0 && budget.pre(commandLine(guest.argv))}
</div></details>
</article>`;
}

/** The picture stands in the page; for who cannot see it, so does its text where there is one. */
function screenBlock({ name, boot }: GuestRecord, picture: Buffer, budget: Budget): Markup {
  const address = `data:image/png;base64,${picture.toString('base64')}`;
  if (!budget.takes(address.length)) return html`<p class="note">its picture is left out here for its size</p>`;
  return html`<figure class="screen"><img src="${address}" alt="the screen of ${name} when it was given up">
<figcaption>its screen when it was given up</figcaption></figure>
${boot.screen && boot.screen.length > 0 && html`<details><summary>the screen as text</summary><div class="body">${budget.pre(boot.screen.join('\n'))}</div></details>`}`;
}

function finding(found: HealthFinding): Markup {
  const { kind, message, when, allowed } = found;
  return html`<li class="${allowed === undefined ? 'bad' : 'note'}"><b>${kind}</b> at ${when}: ${message}${expiryOf(found)}${allowed !== undefined && ` (allowed: ${allowed})`}</li>`;
}

function consoleBlock(guest: GuestRecord, log: string, budget: Budget): Markup {
  const label = `search the console of ${guest.name}`;
  return html`<details class="console"><summary>console</summary><div class="body">
<p class="tools"><input type="search" placeholder="search the console" aria-label="${label}"> <span class="count" role="status"></span> <a href="${urlPath(guest.console ?? '')}">the whole log</a></p>
${budget.pre(log.trimEnd(), 'log')}
</div></details>`;
}

function shownValue(key: string, value: unknown): string {
  if (key === 'memory' && typeof value === 'number') return formatSize(value);
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** One option a line, as it may be pasted into a shell. */
function commandLine(argv: readonly string[]): string {
  return argv.map(shellQuote).join(' ').replaceAll(' -', ' \\\n  -');
}

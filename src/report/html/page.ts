import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { formatDuration, formatSize } from '../../core/index.ts';
import type { Outcome, RunRecord } from '../../schema/index.ts';
import type { Consoles, Pictures } from '../reporter.ts';
import { rerunCommand } from '../rerun.ts';
import { changesText, errorText, minuteOf } from '../wording.ts';
import { Budget } from './budget.ts';
import { guestsSection } from './guests.ts';
import { html, Markup } from './markup.ts';
import { resultsSection } from './results.ts';

const own = (file: string) => readFileSync(new URL(file, import.meta.url), 'utf8').trim();
const sha256 = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

const SHOWN: readonly Outcome[] = ['failed', 'xpassed', 'error', 'timeout', 'flaky', 'passed', 'xfailed', 'skipped'];

/**
 * A run as one HTML page that needs nothing beside it: its policy lets it load nothing and run no script but the one
 * that it holds. Without that script everything can still be read. Pure but for its own style and script.
 */
export function renderHtml(run: RunRecord, consoles: Consoles, pictures: Pictures = new Map()): string {
  const budget = new Budget();
  const [style, script] = [own('browser.css'), own('browser.js')];
  const policy = `default-src 'none'; img-src data:; style-src ${sha256(style)}; script-src ${sha256(script)}; base-uri 'none'; form-action 'none'`;
  const verdict = run.exitCode === 0 ? 'all well' : `exit code ${run.exitCode}`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>gvm: ${verdict}</title>
<link rel="icon" href="data:,">
<style>${new Markup(style)}</style>
</head>
<body>
<a class="skip" href="#results">to the results</a>
<header>
<h1><span class="${run.exitCode === 0 ? 'good' : 'bad'}">${verdict}</span> <small>gvm run ${run.id}</small></h1>
<p class="note">${minuteOf(run.started)} · ${formatDuration(run.durationMs)}${run.accelerator && ` · ${run.accelerator.name}`}${run.interrupted && ` · ended by ${run.interrupted}`}</p>
${filters(run)}
</header>
<main>
${run.errors.map((error) => html`<pre class="bad" tabindex="0">${errorText(error)}</pre>`)}
${changesText(run).length > 0 && html`<pre class="changes" tabindex="0">${changesText(run).join('\n')}</pre>`}
${resultsSection(run.suites, budget)}
${guestsSection(run.guests, { consoles, pictures }, budget)}
${runSection(run)}
</main>
<script>${new Markup(script)}</script>
</body>
</html>
`;
  return page.text;
}

function filters({ totals }: RunRecord): Markup {
  const buttons = SHOWN.filter((outcome) => totals[outcome] > 0).map(
    (outcome) =>
      html`<button type="button" class="filter ${outcome}" data-outcome="${outcome}" aria-pressed="true"><b>${totals[outcome]}</b> ${outcome}</button> `,
  );
  return html`<div class="tools" role="group" aria-label="filters">${buttons}
<input id="search" type="search" placeholder="search the tests ( / )" aria-label="search the tests">
<span id="shown" role="status"></span>
<button type="button" id="theme" aria-label="light or dark">◐</button></div>
${totals.health > 0 && html`<p class="bad">${totals.health} found unasked in the guests: see <a href="#guests">below</a></p>`}`;
}

function runSection(run: RunRecord): Markup {
  const { host } = run;
  const rerun = run.interrupted ? undefined : rerunCommand(run);
  const facts: [string, string | undefined][] = [
    ['command', ['gvm', ...run.args].join(' ')],
    ['run what failed again', rerun],
    ['gvm', run.gvm],
    ['accelerator', run.accelerator && `${run.accelerator.name}: ${run.accelerator.reason}`],
    ['QEMU', run.qemu && `${run.qemu.version} (${run.qemu.path})`],
    ['host', `${host.hostname}, ${host.os}, ${host.arch}, ${host.cpus} CPUs, ${formatSize(host.memory)}`],
    ['Node', host.node],
    ...(run.parts ?? []).map((part): [string, string] => [
      'part',
      `run ${part.id} on ${part.hostname}, ${minuteOf(part.started)}, exit code ${part.exitCode}`,
    ]),
    ...Object.entries(run.environment).map(([name, value]): [string, string] => [`$${name}`, value]),
    ...run.suites.map((suite): [string, string] => [suite.file, `sha256 ${suite.sha256}`]),
  ];
  return html`<section id="run" aria-label="the run"><h2>Run</h2>
<dl class="facts">${facts.map(([name, value]) => value !== undefined && html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
<p class="note">Made from <a href="run.json">run.json</a>, beside <a href="junit.xml">junit.xml</a>.</p></section>`;
}

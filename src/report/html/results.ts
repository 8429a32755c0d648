import { formatDuration } from '../../core/index.ts';
import type { Failure, Outcome, SuiteRecord, TestRecord } from '../../schema/index.ts';
import { codeFrame } from '../code-frame.ts';
import { styleOf } from '../style.ts';
import { historyText, hostLines, placeOf, subjectOf } from '../wording.ts';
import type { Budget } from './budget.ts';
import { anchorOf, html, type Markup } from './markup.ts';

const PLAIN = styleOf(false);
const OPEN: readonly Outcome[] = ['failed', 'xpassed', 'error', 'timeout'];
const MOST_OPEN = 20;

/** All suites with their tests: those with failures first, and what failed stands open. */
export function resultsSection(suites: readonly SuiteRecord[], budget: Budget): Markup {
  let opened = 0;
  const inOrder = [...suites].sort((a, b) => Math.min(...a.tests.map(rank)) - Math.min(...b.tests.map(rank)));
  // The room for long texts goes to what failed first.
  const order = suites.flatMap((suite) => suite.tests).sort((a, b) => rank(a) - rank(b));
  const bodies = new Map(order.map((test) => [test, testBody(test, budget)]));
  const row = (test: TestRecord) => {
    const open = OPEN.includes(test.outcome) && ++opened <= MOST_OPEN;
    return html`<details class="test" data-outcome="${test.outcome}"${open && html` open`}>
<summary><span class="sign ${test.outcome}" aria-hidden="true">${PLAIN.sign(test.outcome)}</span> <span class="name">${test.name}</span> <span class="outcome ${test.outcome}">${test.outcome}</span> <span class="time">${formatDuration(test.durationMs)}</span></summary>
<div class="body">${bodies.get(test)}</div>
</details>`;
  };
  return html`<section id="results" aria-label="results">${inOrder.map(
    (suite) =>
      html`<div class="suite"><h3>${suite.name} <small>${suite.file}</small></h3>${suite.tests.map(row)}</div>`,
  )}<p id="nothing" hidden>No test is shown: the filters hide all of them.</p></section>`;
}

function rank({ outcome }: TestRecord): number {
  return OPEN.includes(outcome) ? 0 : 1;
}

function testBody(test: TestRecord, budget: Budget): Markup {
  const { error } = test;
  return html`<p class="where">${placeOf(test.position)}${test.guest !== undefined && html` · <a href="#${anchorOf(test.guest)}">${test.guest}</a>`}${
    test.retries > 0 && html` · ${test.retries} retries`
  }${test.tags.map((tag) => html` · <span class="tag">${tag}</span>`)}</p>
${test.reason !== undefined && html`<p>${test.reason}</p>`}
${error && html`<p class="bad">${error.message}</p><p class="note">${error.code}, blame: ${error.blame}</p>`}
${error?.notes?.map((note) => html`<p class="note">${note}</p>`)}
${error?.hint !== undefined && html`<p>hint: ${error.hint}</p>`}
${test.failures.map((failure) => failureBlock(failure, budget))}
${[...hostLines(test), ...historyText(test)].map((text) => html`<p class="flaky">${text}</p>`)}
${test.commands.length > 0 && html`<h4>commands</h4>`}
${test.commands.map((command) => commandBlock(command, budget))}
${test.diagnostics.map((text) => html`<p class="note">note: ${text}</p>`)}`;
}

function failureBlock(failure: Failure, budget: Budget): Markup {
  const { expected, actual, position } = failure;
  const frame = codeFrame(failure, PLAIN);
  return html`<div class="failure">
${position && html`<p class="where">${placeOf(position)}</p>`}
${frame.length > 0 && html`<pre class="frame" tabindex="0">${frame.join('\n')}</pre>`}
<p class="bad">${subjectOf(failure)}: ${failure.message}</p>
${(expected !== undefined || actual !== undefined) && html`<dl class="values">${expected !== undefined && html`<dt>expected</dt><dd>${budget.pre(expected, 'good')}</dd>`}${actual !== undefined && html`<dt>actual</dt><dd>${budget.pre(actual, 'bad')}</dd>`}</dl>`}
</div>`;
}

function commandBlock(
  { run, exitCode, durationMs, stdout, stderr }: TestRecord['commands'][number],
  budget: Budget,
): Markup {
  return html`<div class="command">
<p><code>$ ${run}</code> <span class="note">exit ${exitCode ?? 'none'}, ${formatDuration(durationMs)}</span></p>
${stdout !== '' && budget.pre(stdout)}${stderr !== '' && budget.pre(stderr, 'stderr')}
</div>`;
}

import { formatDuration } from '../../core/index.ts';
import type { Outcome, RunRecord } from '../../schema/index.ts';
import { type Case, casesOf, isTrouble, placeOfCase } from '../cases.ts';
import { rerunCommand } from '../rerun.ts';
import { changesText } from '../wording.ts';
import { markdownText } from './escape.ts';

/** GitHub refuses a job summary of more than 1 MiB as a whole; a run stays far below. */
const MOST_DETAILS = 40;
const LONGEST = 4096;
const LONGEST_NAME = 200;

const SIGNS: readonly (readonly [Outcome, string])[] = [
  ['failed', '❌'],
  ['xpassed', '❌'],
  ['error', '💥'],
  ['timeout', '⌛'],
  ['flaky', '🟡'],
  ['passed', '✅'],
  ['xfailed', '➖'],
  ['skipped', '⚪'],
];

/** A run as the Markdown of a job summary: counts, what failed, the guests, the command that repeats it. Pure. */
export function renderStepSummary(run: RunRecord): string {
  const troubles = casesOf(run).flatMap(({ name, cases }) => cases.filter(isTrouble).map((one) => ({ name, one })));
  const shown = troubles.slice(0, MOST_DETAILS);
  const rerun = run.interrupted ? undefined : rerunCommand(run);
  const changes = changesText(run);
  const blocks = [
    `## gvm: ${run.exitCode === 0 ? '✅ all well' : `exit code ${run.exitCode}`}`,
    counts(run),
    ...shown.map(({ name, one }) => details(name, one)),
    ...(troubles.length > shown.length ? [`… and ${troubles.length - shown.length} more`] : []),
    ...(changes.length > 0 ? [`<pre>${markdownText(changes.join('\n'), LONGEST)}</pre>`] : []),
    guestTable(run),
    ...(rerun === undefined ? [] : [`Run what failed again:\n\n<pre>${markdownText(rerun, LONGEST)}</pre>`]),
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function counts({ totals, durationMs, accelerator, interrupted }: RunRecord): string {
  const parts = SIGNS.filter(([outcome]) => totals[outcome] > 0).map(
    ([outcome, sign]) => `${sign} ${totals[outcome]} ${outcome}`,
  );
  if (totals.health > 0) parts.push(`🩺 ${totals.health} found unasked`);
  if (accelerator) parts.push(accelerator.name);
  if (interrupted) parts.push(`ended by ${interrupted}`);
  return [...parts, formatDuration(durationMs)].join(' · ');
}

function details(group: string, one: Case): string {
  const sign = SIGNS.find(([outcome]) => outcome === one.outcome)?.[1] ?? '';
  const place = placeOfCase(one);
  const head = `${sign} <code>${oneLine(`${group} > ${one.name}`)}</code>`;
  const where = place === undefined ? '' : ` <code>${oneLine(place)}</code>`;
  return `<details><summary>${head}${where}</summary>\n<pre>${markdownText(one.text ?? one.message ?? '', LONGEST)}</pre>\n</details>`;
}

function guestTable({ guests }: RunRecord): string {
  if (guests.length === 0) return '';
  const code = (text: string) => (text === '' ? '' : `<code>${oneLine(text)}</code>`);
  const rows = guests.slice(0, MOST_DETAILS).map(({ name, image, kernel = '', boot }) => {
    const ready = boot.readyMs ?? boot.sshMs;
    const time = ready === undefined ? '' : formatDuration(ready);
    return [code(name), code(image.name), code(kernel), boot.outcome, time].join(' | ');
  });
  return [
    '| guest | image | kernel | boot | ready after |',
    '|---|---|---|---|---|',
    ...rows.map((r) => `| ${r} |`),
  ].join('\n');
}

function oneLine(text: string): string {
  return markdownText(text.replaceAll(/\s+/g, ' '), LONGEST_NAME);
}

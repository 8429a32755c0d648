import { expect, test } from 'vitest';
import { renderHtml } from '../../src/report/html/page.ts';
import { timeline } from '../../src/report/html/timeline.ts';
import { exampleConsole, exampleRun, guestRecord, testRecord } from './example.ts';
import { hostileRuns } from './hostile.ts';

const fixture = (name: string) => new URL(`../fixtures/report/${name}`, import.meta.url).pathname;

/** A page without its style and script, and without the digests of both. */
const bare = (page: string) =>
  page
    .replace(/<style>[\s\S]*<\/style>/, '<style></style>')
    .replace(/<script>[\s\S]*<\/script>/, '<script></script>')
    .replaceAll(/'sha256-[^']+'/g, "'sha256-…'");

test('a run is the expected page', async () => {
  await expect(bare(renderHtml(exampleRun(), exampleConsole))).toMatchFileSnapshot(fixture('report.html'));
});

test('no text of a guest or a suite becomes an element, an attribute or a script', () => {
  const allowed = new Set(bare(renderHtml(exampleRun(), exampleConsole)).match(/<\/?[a-z][a-z0-9]*/g));
  for (const run of hostileRuns(60)) {
    const text = run.suites[0]?.name ?? '';
    const page = bare(renderHtml(run, new Map(run.guests.map((guest) => [guest.name, text.repeat(2)]))));
    for (const tag of page.match(/<\/?[a-z!][^\s>]*/gi) ?? [])
      if (tag !== '<!doctype' && tag !== '<b' && tag !== '</b') expect(allowed, tag).toContain(tag);
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(page.replaceAll(/"[^"]*"/g, '""')).not.toMatch(/<[^>]* on[a-z]+=/i);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be left
    expect(page).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u202a-\u202e\u2066-\u2069]/);
  }
});

test('a page stays small, and what failed keeps its output longest', () => {
  const commands = [{ run: 'x', exitCode: 0, durationMs: 1, stdout: 'o'.repeat(4000), stderr: 'e'.repeat(4000) }];
  const fine = Array.from({ length: 3000 }, (_, i) => testRecord(`t${i}`, { commands }));
  const failed = testRecord('last', {
    outcome: 'failed',
    commands: [{ ...(commands[0] ?? fail()), stdout: 'the reason' }],
  });
  const page = renderHtml(
    exampleRun({ suites: [{ file: 's', name: 's', sha256: '', tests: [...fine, failed] }] }),
    new Map([['boot-1', 'c'.repeat(5_000_000)]]),
  );
  expect(page.length).toBeLessThan(12 * 2 ** 20);
  expect(page).toContain('the reason');
  expect(page).toContain('left out here for its length');
});

test('the picture of a screen stands in the page, with its text; an immense one is left out', () => {
  const boot = { outcome: 'timeout' as const, screen: ['no <system>'], stages: [] };
  const run = exampleRun({ guests: [guestRecord({ boot, picture: 'screen/boot-1.png' })] });
  const page = (size: number) => renderHtml(run, new Map(), new Map([['boot-1', Buffer.alloc(size, 'x')]]));
  expect(page(3)).toContain('<img src="data:image/png;base64,eHh4" alt="the screen of boot-1 when it was given up">');
  expect(page(3)).toContain('no &lt;system&gt;');
  expect(page(6 * 2 ** 20)).not.toContain('<img');
  expect(page(6 * 2 ** 20)).toContain('left out here for its size');
});

function fail(): never {
  throw new Error('no command');
}

test('a boot is drawn to scale, one that died to its end', () => {
  const stages = [
    { stage: 'kernel' as const, atMs: 200 },
    { stage: 'init' as const, atMs: 600 },
  ];
  const ready = timeline({ outcome: 'ready', sshMs: 800, readyMs: 1000, stages }, 2000).text;
  expect(
    [...ready.matchAll(/class="stage (\w+)" x="([\d.]+)" y="0" width="([\d.]+)"/g)].map((m) => m.slice(1)),
  ).toEqual([
    ['qemu', '0', '100'],
    ['kernel', '100', '200'],
    ['init', '300', '100'],
    ['settling', '400', '100'],
  ]);
  const died = timeline({ outcome: 'failed', stages }, 1000).text;
  expect(died).toContain('class="death" x="600"');
  expect(died).toMatch(/init <b class="bad">died<\/b> after 600 ms/);
});

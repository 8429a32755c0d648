// The HTML report in a real browser.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { renderHtml } from '../../src/report/html/page.ts';
import { exampleConsole, exampleRun } from '../report/example.ts';
import { hostileRuns } from '../report/hostile.ts';
import { Chromium, type Page } from './chromium.ts';
import { survivors } from './gvm.ts';

const folder = mkdtempSync(join(tmpdir(), 'gvm-html-'));
const browser = new Chromium();

function written(name: string, html: string): string {
  const file = join(folder, name);
  writeFileSync(file, html);
  return pathToFileURL(file).href;
}

let url: string;
beforeAll(() => {
  url = written('report.html', renderHtml(exampleRun(), exampleConsole));
});
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
  expect(await survivors()).toEqual([]);
});

async function opened(width = 1200): Promise<Page> {
  const page = await browser.page(width, 900);
  await page.open(url);
  return page;
}

const SHOWN =
  "[...document.querySelectorAll('details.test')].filter((t) => t.checkVisibility()).map((t) => t.dataset.outcome)";
const click = (selector: string) => `document.querySelector(${JSON.stringify(selector)}).click()`;
const type = (selector: string, text: string) =>
  `{ const input = document.querySelector(${JSON.stringify(selector)}); input.value = ${JSON.stringify(text)}; input.dispatchEvent(new Event('input')); }`;

test('it asks for nothing, complains of nothing, and may not do either', async () => {
  const page = await opened();
  expect(page.requests.filter((request) => !request.startsWith('data:'))).toEqual([url]);
  expect(page.complaints).toEqual([]);
  let asked = 0;
  const server = createServer((_, response) => {
    asked += 1;
    response.end();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  expect(await page.evaluate(`fetch('${address}').then(() => 'reached', () => 'refused')`)).toBe('refused');
  await page.evaluate(`{
    const image = document.createElement('img');
    image.src = '${address}';
    const script = document.createElement('script');
    script.textContent = 'document.title = "forged"';
    document.body.append(image, script);
    document.body.setAttribute('onclick', 'document.title = "forged"');
    document.body.click();
  }`);
  expect(await page.evaluate('document.title')).toBe('gvm: exit code 1');
  expect(page.complaints.filter((text) => text.includes('Content Security Policy')).length).toBeGreaterThan(2);
  expect(asked).toBe(0);
  server.close();
});

test('filters and search choose the tests that are shown', async () => {
  const page = await opened();
  expect(await page.evaluate(SHOWN)).toEqual(['passed', 'failed', 'skipped', 'timeout', 'error', 'error']);
  await page.evaluate(click('button.filter.passed'));
  await page.evaluate(click('button.filter.error'));
  expect(await page.evaluate(SHOWN)).toEqual(['failed', 'skipped', 'timeout']);
  expect(await page.evaluate("document.getElementById('shown').textContent")).toBe('3 of 6');
  await page.evaluate(type('#search', 'portage KERNEL'));
  expect(await page.evaluate(SHOWN)).toEqual(['failed']);
  await page.evaluate(type('#search', 'no such text'));
  expect(await page.evaluate(SHOWN)).toEqual([]);
  expect(await page.evaluate("document.getElementById('nothing').checkVisibility()")).toBe(true);
  await page.evaluate(type('#search', ''));
  await page.evaluate(click('button.filter.error'));
  expect(await page.evaluate(SHOWN)).toEqual(['failed', 'skipped', 'timeout', 'error', 'error']);
  expect(page.complaints).toEqual([]);
});

test('what failed stands open, the console is searched, its lines lead back to their place', async () => {
  const page = await opened();
  const open = "[...document.querySelectorAll('details.test[open]')].map((t) => t.dataset.outcome)";
  expect(await page.evaluate(open)).toEqual(['failed', 'timeout', 'error', 'error']);
  await page.evaluate(click('details.console > summary'));
  await page.evaluate(type('details.console input', 'INIT'));
  const log = "document.querySelector('pre.log').textContent";
  expect(await page.evaluate(log)).toBe('2: [    3.300] Run /init as init process\n');
  expect(await page.evaluate("document.querySelectorAll('pre.log mark').length")).toBe(2);
  expect(await page.evaluate("document.querySelector('.count').textContent")).toBe('1 of 3 lines');
  await page.evaluate(click('pre.log button.line'));
  expect(await page.evaluate(log)).toContain('Linux version');
  expect(page.complaints).toEqual([]);
});

test('the keyboard is enough', async () => {
  const page = await opened();
  await page.key('/');
  expect(await page.evaluate('document.activeElement.id')).toBe('search');
  await page.call('Input.insertText', { text: 'portage' });
  expect(await page.evaluate(SHOWN)).toEqual(['failed']);
  await page.evaluate("document.querySelector('details.test:not([hidden]) > summary').focus()");
  await page.key('Enter');
  expect(await page.evaluate("document.querySelector('details.test:not([hidden])').open")).toBe(false);
  const unreachable = `[...document.querySelectorAll('button, input, summary, a[href], pre')].filter((e) => e.tabIndex < 0).length`;
  expect(await page.evaluate(unreachable)).toBe(0);
});

test('a narrow screen shows all of it without scrolling sideways, in light and dark', async () => {
  const page = await opened(390);
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
  const paper = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
  await page.call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: 'light' }] });
  expect(await paper()).toBe('rgb(255, 255, 255)');
  await page.call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: 'dark' }] });
  expect(await paper()).toBe('rgb(20, 24, 30)');
  await page.evaluate(click('#theme'));
  expect(await paper()).toBe('rgb(255, 255, 255)');
});

test('hostile text stays text', async () => {
  const page = await browser.page(390, 900);
  for (const [i, run] of hostileRuns(25).entries()) {
    const [name = ''] = run.guests.map((guest) => guest.name);
    const hostile = written(`hostile-${i}.html`, renderHtml(run, new Map([[name, run.suites[0]?.name ?? '']])));
    page.requests.length = 0;
    await page.open(hostile);
    expect(await page.evaluate('document.title')).toBe('gvm: exit code 1');
    expect(await page.evaluate("document.querySelectorAll('details.test').length")).toBe(5);
    expect(await page.evaluate("document.querySelectorAll('img, iframe, script').length")).toBe(1);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    expect(page.requests.filter((request) => !request.startsWith('data:'))).toEqual([hostile]);
  }
  expect(page.complaints).toEqual([]);
});

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isGvmError } from '../../src/errors/index.ts';
import type { GuestSpec } from '../../src/lab/index.ts';
import { type RunRecord, runSchema } from '../../src/schema/index.ts';
import { Workshop } from '../e2e/broken.ts';
import { Chromium } from '../e2e/chromium.ts';
import { gvm, project, survivors } from '../e2e/gvm.ts';
import { openTestLab, type TestLab } from '../e2e/test-lab.ts';

// What a guest says of its end on its screen, and nowhere else.

const SAYS = 'no system on this disk';

/**
 * A boot sector that turns to the second page of the screen, writes a text there without the help of the BIOS, which
 * would hand it on to the serial line, and waits.
 */
const SECTOR = Buffer.concat([
  Buffer.from('fcb800b88ec0', 'hex'), // cld; es = B800h
  Buffer.from('bad403b80c07efb80dd0ef', 'hex'), // the CRT controller's start address = 07D0h, 2000 cells
  Buffer.from('31c08ed8bfa00fbe317c', 'hex'), // ds = 0; di = the 2000th cell; si = the text
  Buffer.from('b407ac84c07403abebf8', 'hex'), // each of its bytes, grey on black, until one is zero
  Buffer.from('fbf4ebfd', 'hex'), // sti; hlt, for ever
]);

function muteDisk(): GuestSpec['image'] {
  const path = join(folder, 'mute.raw');
  const bytes = Buffer.alloc(2 ** 20);
  SECTOR.copy(bytes);
  bytes.write(`${SAYS}\0`, 0x31, 'latin1');
  bytes.writeUInt16LE(0xaa55, 510);
  writeFileSync(path, bytes);
  return { name: 'mute', digest: '', layers: [{ path, format: 'raw' }], virtualSize: bytes.length };
}

let bench: TestLab;
let folder: string;
let workshop: Workshop;
beforeAll(async () => {
  bench = await openTestLab();
  folder = mkdtempSync(join(tmpdir(), 'gvm-screens-'));
  workshop = new Workshop(bench, folder);
});
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function failureOf(
  boot: Promise<AsyncDisposable>,
): Promise<{ message: string; details: Record<string, unknown> }> {
  const error = await boot.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isGvmError(error)) throw error ?? new Error('the guest became ready');
  return error;
}

test('what a boot sector says on the screen alone stands in the message, and a picture is kept', async () => {
  const spec = await bench.describe('mute', { firmware: 'bios' });
  const failure = await failureOf(
    bench.lab.start({ ...spec, image: muteDisk(), machine: { ...spec.machine, timeout: 2000 } }),
  );
  expect(failure.message).toContain(`\n  | screen: ${SAYS}`);
  expect(failure.details).toMatchObject({ cause: 'timeout', screen: [SAYS] });
  expect(pngSize(String(failure.details.picture))).toEqual([720, 400]);
});

test('the firmware of a machine without a disk to boot draws on the screen as well', async () => {
  const spec = await bench.describe('bios', { firmware: 'bios' });
  const failure = await failureOf(bench.lab.start({ ...spec, image: workshop.empty('bios') }));
  expect(failure.details).toMatchObject({ cause: 'no-bootable-disk' });
  expect(failure.details.screen).toEqual(expect.arrayContaining([expect.stringContaining('No bootable device')]));
});

test('a guest that stops in graphics leaves a picture without text', async () => {
  const spec = await bench.describe('uefi', { firmware: 'uefi' });
  const failure = await failureOf(bench.lab.start({ ...spec, image: workshop.empty('uefi') }));
  expect(failure.details).toMatchObject({ cause: 'no-bootable-disk' });
  expect(failure.details.screen).toBeUndefined();
  expect(pngSize(String(failure.details.picture))).toEqual([800, 600]);
});

test('a run shows it: in run.json, in junit.xml, on the terminal, and on the page in a browser', async () => {
  const machine = { firmware: 'bios', timeout: '2s' };
  const at = project({
    'gvm.yaml': JSON.stringify({ machine }),
    'suites/mute.gvm.yaml': 'suite: mute\ntests:\n  - name: answers\n    command: { run: "true" }\n',
  });
  try {
    const disk = muteDisk().layers[0]?.path ?? '';
    const { code, stdout } = await gvm(['test', '--image', disk, '--reporter', 'html'], { cwd: at.folder });
    console.log(stdout);
    expect(code).toBe(3);
    const reports = join(at.folder, 'reports');
    const record: RunRecord = runSchema.parse(JSON.parse(readFileSync(join(reports, 'run.json'), 'utf8')));
    const [guest] = record.guests;
    expect(guest?.boot.screen?.join('\n')).toBe(SAYS);
    expect(pngSize(join(reports, guest?.picture ?? ''))).toEqual([720, 400]);
    expect(readFileSync(join(reports, 'junit.xml'), 'utf8')).toContain(`"guest.picture" value="${guest?.picture}"`);
    expect(stdout).toContain(`screen: ${guest?.picture}`);
    await using browser = new Chromium();
    const page = await browser.page(1200, 900);
    await page.open(pathToFileURL(join(reports, 'report.html')).href);
    const seen = `(({ naturalWidth, naturalHeight, alt }) => [naturalWidth, naturalHeight, alt])(document.querySelector('.screen img'))`;
    expect(await page.evaluate(seen)).toEqual([720, 400, `the screen of ${guest?.name} when it was given up`]);
    expect(page.complaints).toEqual([]);
  } finally {
    at.remove();
  }
  expect(await survivors()).toEqual([]);
});

/** Width and height of a PNG file. */
function pngSize(file: string): number[] {
  const png = readFileSync(file);
  expect(png.toString('latin1', 1, 4)).toBe('PNG');
  return [png.readUInt32BE(16), png.readUInt32BE(20)];
}

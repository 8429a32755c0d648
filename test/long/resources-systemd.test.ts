import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Guest } from '../../src/lab/index.ts';
import type { TestVerdict } from '../../src/suite/index.ts';
import { loadFixture, runAll, sayings, troublesOf, unfailed } from '../e2e/resources.ts';
import { openTestLab, type TestLab } from '../e2e/test-lab.ts';

const plan = loadFixture('resources-systemd');

let lab: TestLab;
let guest: Guest;
let verdicts: Map<string, TestVerdict>;

beforeAll(async () => {
  lab = await openTestLab();
  guest = await lab.lab.start(await lab.describe('resources-systemd', {}, 'gentoo-twin-systemd'));
  verdicts = await runAll(plan, guest);
});
afterAll(async () => {
  await guest?.[Symbol.asyncDispose]();
  await lab?.[Symbol.asyncDispose]();
});

test('under systemd, as the guest is, everything holds', () => {
  expect(troublesOf(verdicts)).toEqual([]);
});

test('under systemd, as the guest is not, every check fails and says what it found', async () => {
  expect(unfailed(plan, verdicts)).toEqual([]);
  await expect(sayings(plan, verdicts)).toMatchFileSnapshot('golden/resources-systemd.txt');
});

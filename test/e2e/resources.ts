import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { shellQuote } from '../../src/core/index.ts';
import type { Channel } from '../../src/guest/index.ts';
import type { Guest } from '../../src/lab/index.ts';
import {
  builtins,
  compileSuite,
  type PlannedTest,
  runTest,
  type SuitePlan,
  type TestVerdict,
} from '../../src/suite/index.ts';
import { repository } from './gvm.ts';

export function loadFixture(name: string): SuitePlan {
  const file = `test/fixtures/suites/${name}.gvm.yaml`;
  return compileSuite(readFileSync(join(repository, file), 'utf8'), file, builtins);
}

type Entered = Pick<Guest, 'channel' | 'scale' | 'boot'>;

/** Runs tests in a guest, in the order in which they are written; those named `root: …` through sudo(8). */
export async function runAll(plan: SuitePlan, guest: Entered): Promise<Map<string, TestVerdict>> {
  const channel = guest.channel();
  const root: Pick<Channel, 'exec'> = {
    exec: (command, options) => channel.exec(`sudo -n /bin/sh -c ${shellQuote(command)}`, options),
  };
  const verdicts = new Map<string, TestVerdict>();
  for (const test of plan.tests)
    verdicts.set(test.name, await runOne(test, guest, test.name.startsWith('root: ') ? root : channel));
  return verdicts;
}

export const runOne = (
  test: PlannedTest,
  guest: Entered,
  channel: Parameters<typeof runTest>[1]['channel'] = guest.channel(),
) =>
  runTest(test, {
    channel,
    registry: builtins,
    place: { arch: 'x86_64', memory: 2 ** 30, network: 'restricted', accelerator: 'tcg' },
    signal: new AbortController().signal,
    scale: guest.scale,
    boot: guest.boot,
  });

/** What differs from run to run is named, not shown. */
export function normalised(text: string): string {
  return text
    .replace(/\b6\.\d+\.\d+-[\w.-]+/g, 'RELEASE')
    .replace(/\b(versions?:?|installed:) \S*\d+:\d[\w.~+-]*/g, '$1 VERSION')
    .replace(/\d+:\d+\.\d+[\w.~+-]*-\d\S*/g, 'VERSION')
    .replace(/Linux version .*/g, 'Linux version …')
    .replace(/\bfound [\d.]+ (m?s|min \d+ s) \(.*slower\)/g, 'found TIME')
    .replace(/ip [0-9a-f]{8,} sp [0-9a-f]{8,}.*/g, 'ip …')
    .replace(/segfault at [0-9a-f]+/g, 'segfault at …')
    .replace(/\(process \d+\)|\[\d+\]/g, 'PID')
    .replace(/[\d.]+[KMG] \(\d+ bytes\)/g, 'SIZE')
    .replace(/(used|usage|inodes): (.*), found \d+/g, '$1: $2, found NUMBER')
    .replace(/md5: .* found "[0-9a-f]{32}"/g, 'md5: … found SUM')
    .replace(/within \d+ s/g, 'within TIME')
    .replace(/uid \d+/g, 'uid N')
    .replace(/line \d+: /g, '');
}

/** A test of what the guest is not. */
export const isWrong = (name: string) => / fails?$/.test(name);

/** What is said of tests that should have passed. */
export function troublesOf(verdicts: ReadonlyMap<string, TestVerdict>): string[] {
  return [...verdicts].flatMap(([name, { failures, error }]) =>
    isWrong(name)
      ? []
      : [...failures.map((f) => f.message), ...(error ? [error.message] : [])].map((m) => `${name}: ${m}`),
  );
}

/** The checks that should have failed and did not. */
export function unfailed(plan: SuitePlan, verdicts: ReadonlyMap<string, TestVerdict>): string[] {
  return plan.tests
    .filter((t) => isWrong(t.name))
    .flatMap((t) => {
      const failed = verdicts.get(t.name)?.failures.map((f) => JSON.stringify(f.path)) ?? [];
      return t.steps
        .flat()
        .map((c) => JSON.stringify(c.path))
        .filter((path) => !failed.some((f) => f.startsWith(path.slice(0, -1))));
    });
}

/** What the failing tests say, for a golden file. */
export function sayings(plan: SuitePlan, verdicts: ReadonlyMap<string, TestVerdict>): string {
  const blocks = plan.tests
    .filter((t) => isWrong(t.name))
    .map(({ name }) => {
      const lines = (verdicts.get(name)?.failures ?? []).map(({ check, subject, message }) =>
        normalised(`  ${check}${subject === undefined ? '' : ` ${subject}`}: ${message}`),
      );
      return `${name}\n${lines.join('\n')}\n`;
    });
  return blocks.join('\n');
}

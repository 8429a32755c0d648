// What a suite in TypeScript imports, as `gvm-test/test`. It runs inside vitest's workers: it holds connections, never
// a guest. The file is run twice: once to learn its tests, once to run them.
import { relative } from 'node:path';
import { afterAll, describe, inject, expect as vitestExpect, test as vitestTest } from 'vitest';
import { parseDuration } from '../core/index.ts';
import type { SuiteKeys } from '../schema/index.ts';
import type { Registry } from '../suite/index.ts';
import { compareValue } from './compare.ts';
import type { ScriptCell, WorkerContext } from './runner.ts';
import { type ScriptFixtures, ScriptGuest } from './script-guest.ts';
import { ScriptSession } from './script-session.ts';

export type { SuiteKeys } from '../schema/index.ts';
export type { ScriptChecks, ScriptCommandResult, ScriptFixtures, ScriptGuest } from './script-guest.ts';

declare module 'vitest' {
  // biome-ignore lint/suspicious/noExplicitAny: the parameter must be named as vitest's own
  interface Matchers<T = any> {
    /** Of a guest: all these checks hold, written as in a YAML suite. */
    toHold(checks: import('./script-guest.ts').ScriptChecks): Promise<void>;
    /** Of a value: an expectation of a YAML suite holds, `{ semver: ">=6.1" }` for example. */
    toMeet(expectation: unknown): void;
  }
}

export interface TestOptions {
  tags?: readonly string[];
  /** Deadline before scaling, for example `30s`; 2m where it is not given. */
  timeout?: string;
  /** The reason why it is not run. */
  skip?: string;
}

type Body = (fixtures: ScriptFixtures) => unknown;

interface Declared {
  name: string;
  options: TestOptions;
  timeout: number;
  body: Body;
}

let keys: SuiteKeys | undefined;
/** Kinds of checks and matchers, as soon as a test has entered its guest. */
let registry: Registry | undefined;
const declared: Declared[] = [];
const TIMEOUT = 120_000;

/** Says which suite this is and what it boots, in the words of a YAML suite. Stands before the first test. */
export function suite(given: SuiteKeys): void {
  if (keys) throw new Error('a file is one suite: suite() is called once');
  keys = given;
  const context = inject('gvm');
  if (!context.scripts) return;
  const path = vitestExpect.getState().testPath ?? '';
  // vitest runs these bodies after the file, when all its tests are declared.
  for (const cell of context.scripts[relative(context.cwd, path)] ?? []) declareCell(context, cell);
}

/** Declares a test; its body gets the guest of the suite. */
export function test(name: string, body: Body): void;
export function test(name: string, options: TestOptions, body: Body): void;
export function test(name: string, second: TestOptions | Body, third?: Body): void {
  const [options, body] = typeof second === 'function' ? [{}, second] : [second, third];
  if (!keys) throw new Error('call suite({ suite: NAME, … }) before the first test');
  if (!body) throw new Error(`the test "${name}" has no body`);
  const timeout = options.timeout === undefined ? TIMEOUT : parseDuration(options.timeout);
  if (timeout === undefined) throw new Error(`the test "${name}": no duration: ${options.timeout}`);
  declared.push({ name, options, timeout, body });
  if (inject('gvm').scripts) return;
  // The file is only asked which tests it has.
  const script = { suite: keys, tags: [...(options.tags ?? [])], timeout, skip: options.skip };
  vitestTest(name, { meta: { gvm: { id: name, script } } }, () => {});
}

function declareCell(context: WorkerContext, { key, name, ids }: ScriptCell): void {
  const session = new ScriptSession(context, key, name);
  describe.concurrent(name, () => {
    for (const { name: title, options, timeout, body } of declared) {
      const id = ids[title];
      if (id === undefined) continue;
      vitestTest.sequential(title, { meta: { gvm: { id } } }, async ({ task, signal, skip }) => {
        const fork = keys?.isolation === 'fork' ? id : undefined;
        const result = session.run({ body, timeout, skip: options.skip, fork }, signal, (known) => {
          registry = known;
        });
        const { verdict, guest, thrown } = await result;
        task.meta.gvm = { id, verdict, ...(guest === undefined ? {} : { guest }) };
        if (verdict.outcome === 'skipped') skip(verdict.reason);
        // The error itself: its stack leads to the line of the suite.
        if (verdict.outcome !== 'passed') throw thrown;
      });
    }
    afterAll(() => session[Symbol.asyncDispose]());
  });
}

vitestExpect.extend({
  async toHold(received: unknown, checks: import('./script-guest.ts').ScriptChecks) {
    if (!(received instanceof ScriptGuest)) throw new TypeError('toHold is of a guest');
    const failures = await received.failuresOf(checks);
    const lines = failures.map(
      ({ check, subject, message }) => `${[check, subject].filter(Boolean).join(' ')}: ${message}`,
    );
    return { pass: failures.length === 0, message: () => (lines.length > 0 ? lines.join('\n') : 'all of it holds') };
  },
  toMeet(received: unknown, expectation: unknown) {
    const mismatches = compareValue(received, expectation, registry);
    const message = mismatches.map((mismatch) => mismatch.message).join('\n') || 'it holds';
    return { pass: mismatches.length === 0, message: () => message };
  },
});

/** vitest's `expect`, and the checks and matchers of gvm beside it. */
export const expect = vitestExpect;

// Writes a run as JUnit XML in the form that Jenkins' xunit plugin validates (junit-10.xsd): testsuites, testsuite with
// properties, testcase with at most one of failure, error, skipped. The library knows no reason for a skipped test
// hostname, and no tries before the last one; they are put in afterwards at marks that no text of the run contains.

import type { Builder, TestCase, TestSuite } from 'junit-report-builder';
import * as library from 'junit-report-builder';
import type { GuestRecord, RunRecord, SuiteRecord, TestRecord } from '../schema/index.ts';
import type { Reporter } from './reporter.ts';
import {
  commandsText,
  errorText,
  expiryOf,
  hostLines,
  placeOf,
  postMortemText,
  troubleMessage,
  troubleText,
} from './wording.ts';
import { xmlAttribute, xmlText } from './xml-text.ts';

/** The types of the package describe an ES module; what Node loads is a CommonJS one whose export is the builder. */
const builder = library.default as unknown as Builder;

export const junit: Reporter = {
  name: 'junit',
  about: 'JUnit XML, in junit.xml; always written',
  outputs: [{ to: { file: 'junit.xml' }, render: renderJunit }],
};

/** A run as JUnit XML. Pure. Failed and xpassed are failures; error and timeout errors; skipped and xfailed skipped. */
export function renderJunit(run: RunRecord): string {
  const mark = unusedMark(run);
  const report = builder.newBuilder().name('gvm');
  const reasons: string[] = [];
  const tries: string[] = [];
  const suiteNamed = (name: string, ms: number): TestSuite =>
    report.testSuite().name(xmlText(name)).timestamp(mark).time(seconds(ms));
  for (const suite of run.suites) {
    const element = suiteNamed(
      suite.name,
      suite.tests.reduce((sum, test) => sum + test.durationMs, 0),
    );
    describe(element, suite, run);
    const marks: Marks = {
      skip: (reason) => `${mark}${reasons.push(reason) - 1}`,
      tried: (elements) => `${mark}${tries.push(elements) - 1};`,
    };
    for (const test of suite.tests) addTest(element, suite, test, marks);
  }
  addHealth(run, suiteNamed);
  addErrors(run, suiteNamed);
  const attributes = `timestamp="${run.started.slice(0, 19)}" hostname="${xmlAttribute(run.host.hostname)}"`;
  const skipped = new RegExp(
    `<properties>\\s*<property name="reason" value="${mark}(\\d+)"/>\\s*</properties>\\s*<skipped/>`,
    'g',
  );
  const tried = new RegExp(`<system-out>(<!\\[CDATA\\[)?${mark}(\\d+);`, 'g');
  return report
    .build()
    .replaceAll(`timestamp="${mark}"`, () => attributes)
    .replace(skipped, (_, index: string) => `<skipped message="${xmlAttribute(reasons[Number(index)] ?? '')}"/>`)
    .replace(tried, (_, open = '', index: string) => `${tries[Number(index)] ?? ''}<system-out>${open}`)
    .concat('\n');
}

function describe(element: TestSuite, suite: SuiteRecord, run: RunRecord): void {
  const property = (name: string, value: string | undefined) => {
    if (value !== undefined) element.property(name, xmlText(value));
  };
  property('gvm.version', run.gvm);
  property('gvm.run', run.id);
  property('suite.file', suite.file);
  property('suite.sha256', suite.sha256);
  property('cell', suite.cell?.name);
  property('accelerator', run.accelerator?.name);
  property('accelerator.reason', run.accelerator?.reason);
  property('qemu.version', run.qemu?.version);
  const names = new Set(suite.tests.map((test) => test.guest));
  for (const guest of run.guests.filter((g) => names.has(g.name))) {
    property('guest', guest.name);
    property('guest.image', `${guest.image.name} ${guest.image.digest}`.trim());
    property('guest.kernel', guest.kernel);
    property('guest.kernel.given', guest.kernelGiven && `${guest.kernelGiven.source} ${guest.kernelGiven.digest}`);
    property('guest.console', guest.console);
  }
}

/** Text that stands for what the library cannot write. */
interface Marks {
  skip(reason: string): string;
  tried(elements: string): string;
}

function addTest(element: TestSuite, suite: SuiteRecord, test: TestRecord, marks: Marks): void {
  const testCase = element
    .testCase()
    .name(xmlText(test.name))
    .className(xmlText(suite.name))
    .file(xmlText(test.position.file))
    .time(seconds(test.durationMs));
  if (test.outcome === 'skipped' || test.outcome === 'xfailed') {
    // The marked property is taken out again; see above.
    testCase.property('reason', marks.skip(test.reason ?? test.outcome)).skipped();
    return;
  }
  testCase.property('position', xmlText(placeOf(test.position)));
  if (test.guest !== undefined) testCase.property('guest', xmlText(test.guest));
  if (test.retries > 0) testCase.property('retries', String(test.retries));
  for (const line of hostLines(test)) testCase.property('host-error', xmlText(line));
  const fine = test.outcome === 'passed' || test.outcome === 'flaky';
  if (!fine) addTrouble(testCase, test);
  const before = test.attempts?.length ? marks.tried(triesOf(test)) : '';
  const output = before + (fine ? '' : xmlText(commandsText(test.commands)));
  if (output !== '') testCase.standardOutput(output);
  if (fine) return;
  if (test.diagnostics.length > 0) testCase.standardError(xmlText(test.diagnostics.join('\n')));
}

/** Earlier tries in the elements of Maven's Surefire, which Jenkins reads: flaky where a later one passed, else rerun. */
function triesOf({ attempts = [], outcome, position }: TestRecord): string {
  return attempts
    .map((attempt) => {
      const tag = `${outcome === 'flaky' ? 'flaky' : 'rerun'}${attempt.outcome === 'failed' ? 'Failure' : 'Error'}`;
      const type = attempt.error?.code ?? attempt.outcome;
      const attributes = `message="${xmlAttribute(troubleMessage(attempt))}" type="${xmlAttribute(type)}"`;
      return `<${tag} ${attributes}><stackTrace>${xmlAttribute(troubleText({ ...attempt, position }))}</stackTrace></${tag}>`;
    })
    .join('');
}

function addTrouble(testCase: TestCase, test: TestRecord): void {
  const body = xmlText(troubleText(test));
  const { outcome } = test;
  const message = xmlText(troubleMessage(test)) || outcome;
  if (outcome === 'failed' || outcome === 'xpassed') testCase.failure(message, outcome).stacktrace(body);
  else testCase.error(message, xmlText(test.error?.code ?? '') || outcome, body);
}

/** What was found in the guests unasked: one case for each guest, so that a run that fails by it shows why. */
function addHealth(run: RunRecord, suiteNamed: (name: string, ms: number) => TestSuite): void {
  if (run.guests.length === 0) return;
  const element = suiteNamed(
    'guests',
    run.guests.reduce((sum, guest) => sum + bootTime(guest), 0),
  );
  for (const guest of run.guests) {
    const { boot } = guest;
    const booted = element
      .testCase()
      .name(xmlText(`${guest.name} boots`))
      .className('guests')
      .time(seconds(bootTime(guest)));
    if (guest.picture !== undefined) booted.property('guest.picture', xmlText(guest.picture));
    if (boot.outcome === 'failed' || boot.outcome === 'timeout') {
      const message = boot.message || boot.cause || boot.outcome;
      const text = [
        message,
        `stage: ${boot.stage ?? 'unknown'}`,
        ...(boot.evidence ?? []),
        ...(guest.postMortem ? postMortemText(guest.postMortem) : []),
      ].join('\n');
      booted.error(xmlText(message) || boot.outcome, boot.outcome, xmlText(text));
    }
    const open = guest.health.filter((finding) => finding.allowed === undefined);
    const health = element
      .testCase()
      .name(xmlText(`${guest.name} is healthy`))
      .className('guests')
      .time(0);
    if (open.length === 0) continue;
    const lines = open.map((finding) => `${finding.kind}: ${finding.message}${expiryOf(finding)}`);
    health.failure(xmlText(lines.join('; ')), 'health').stacktrace(xmlText(lines.join('\n')));
  }
}

function bootTime({ boot }: GuestRecord): number {
  return boot.readyMs ?? boot.sshMs ?? boot.stages.at(-1)?.atMs ?? 0;
}

function addErrors(run: RunRecord, suiteNamed: (name: string, ms: number) => TestSuite): void {
  if (run.errors.length === 0) return;
  const element = suiteNamed('run', run.durationMs);
  for (const error of run.errors) {
    const testCase = element.testCase().name(xmlText(error.code)).className('run').time(0);
    testCase.error(xmlText(error.message) || 'error', xmlText(error.code) || 'error', xmlText(errorText(error)));
  }
}

/** Seconds with milliseconds, as JUnit writes times. */
function seconds(ms: number): number {
  return Math.round(ms) / 1000;
}

/** A word that no text of the run contains. */
function unusedMark(run: RunRecord): string {
  const text = JSON.stringify(run);
  for (let i = 0; ; i++) {
    const mark = `gvm-mark-${i}-`;
    if (!text.includes(mark)) return mark;
  }
}

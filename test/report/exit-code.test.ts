import { expect, test } from 'vitest';
import { exitCodeOf } from '../../src/report/index.ts';
import type { RunRecord, TestRecord } from '../../src/schema/index.ts';
import { guestRecord, testRecord } from './example.ts';

type Part = Partial<Pick<RunRecord, 'guests' | 'errors' | 'interrupted'>> & { tests?: TestRecord[] };

function code({ tests = [testRecord('a')], ...more }: Part, options?: Parameters<typeof exitCodeOf>[1]): number {
  return exitCodeOf({ suites: [{ file: '', name: 's', sha256: '', tests }], guests: [], errors: [], ...more }, options);
}

const failed = testRecord('f', { outcome: 'failed' });
const error = (name: string, blame: 'guest' | 'host' | 'unknown' = 'guest') => ({ code: name, message: '', blame });
const lost = testRecord('e', { outcome: 'error', error: error('guest-lost') });
const host = testRecord('h', { outcome: 'error', error: error('boot-timeout', 'host') });
const skipped = testRecord('s', { outcome: 'skipped', reason: 'x' });
const finding = { kind: 'oops', message: 'x', when: 'ready' as const };
const boot = (outcome: 'failed' | 'timeout' | 'cancelled', blame: 'guest' | 'host') =>
  guestRecord({ boot: { outcome, blame, stages: [] } });

test.each<[string, Part, number]>([
  ['all well', {}, 0],
  ['flaky counts as well', { tests: [testRecord('a', { outcome: 'flaky' })] }, 0],
  ['some skipped', { tests: [testRecord('a'), skipped] }, 0],
  ['all skipped', { tests: [skipped] }, 2],
  ['no test at all', { tests: [] }, 2],
  ['a failure', { tests: [failed, skipped] }, 1],
  ['a timeout', { tests: [testRecord('t', { outcome: 'timeout', error: error('deadline') })] }, 1],
  ['xpassed', { tests: [testRecord('x', { outcome: 'xpassed' })] }, 1],
  ['xfailed', { tests: [testRecord('x', { outcome: 'xfailed' }), testRecord('a')] }, 0],
  ['a health finding', { guests: [guestRecord({ health: [finding] })] }, 1],
  ['an allowed one', { guests: [guestRecord({ health: [{ ...finding, allowed: 'known' }] })] }, 0],
  ['a lost guest', { tests: [testRecord('a'), lost] }, 3],
  ['a boot that died', { guests: [boot('failed', 'guest')] }, 3],
  ['a boot that died of the host', { guests: [boot('timeout', 'host')] }, 4],
  ['a boot that died and was replaced', { guests: [{ ...boot('failed', 'guest'), replaced: true }] }, 0],
  ['a boot that was cancelled', { guests: [boot('cancelled', 'guest')] }, 0],
  ['host trouble by evidence', { tests: [host] }, 4],
  ['host trouble by its class', { errors: [error('disk-full', 'host')] }, 4],
  ['an error without a class', { tests: [testRecord('a', { outcome: 'error' })] }, 3],
  ['a defect of gvm', { errors: [error('internal', 'unknown')] }, 70],
  ['usage before failure', { tests: [failed], errors: [error('document-invalid', 'unknown')] }, 2],
  ['failure before a lost guest before the host', { tests: [host, lost, failed] }, 1],
  ['a lost guest before the host', { tests: [host, lost] }, 3],
  ['SIGINT before all', { tests: [failed], interrupted: 'SIGINT' }, 130],
  ['SIGTERM before all', { tests: [failed], errors: [error('usage')], interrupted: 'SIGTERM' }, 143],
])('%s', (_, run, expected) => {
  expect(code(run)).toBe(expected);
});

test('a flaky test may be asked to count as failed', () => {
  expect(code({ tests: [testRecord('a', { outcome: 'flaky' })] }, { failOnFlaky: true })).toBe(1);
});

test('a run without checks may be asked to pass', () => {
  expect(code({ tests: [skipped] }, { passWithNoChecks: true })).toBe(0);
  expect(code({ tests: [failed] }, { passWithNoChecks: true })).toBe(1);
});

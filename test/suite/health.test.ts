import { expect, test } from 'vitest';
import { askHealth, builtins, judgeHealth } from '../../src/suite/index.ts';
import { localChannel } from '../facts/local-channel.ts';

const today = new Date('2026-11-23T12:00:00Z');
const clean = {
  crashed: { value: { init: 'openrc', crashed: [] }, diagnostics: [] },
  coredump: { value: { pattern: 'core', dumps: [], crashes: [] }, diagnostics: [] },
  kernel: { value: { release: '6', version: '', arch: '', taint: 0, taints: [] }, diagnostics: [] },
};

test('a clean guest has nothing to say', () => {
  expect(judgeHealth([], clean, { when: 'ready', allow: [], today })).toEqual([]);
});

test('console lines, crashed services, core dumps and taint are found', () => {
  const facts = {
    coredump: {
      value: {
        pattern: 'core',
        dumps: [{ path: '/core\u001b[1m' }],
        crashes: [{ program: 'ntpd', pid: 7, line: 'ntpd[7]: segfault at 0' }],
      },
      diagnostics: [],
    },
    crashed: { value: { init: 'openrc', crashed: ['ntpd'] }, diagnostics: [] },
    kernel: {
      value: { ...clean.kernel.value, taint: 512, taints: ['W: the kernel issued a warning'] },
      diagnostics: [],
    },
  };
  const console = [{ kind: 'warning' as const, line: '\u001b[1mWARNING: CPU: 0\u0007', at: 1200 }];
  expect(judgeHealth(console, facts, { when: 'release', allow: [], today })).toEqual([
    { kind: 'warning', message: 'WARNING: CPU: 0\\x07', atMs: 1200, when: 'release' },
    { kind: 'crashed-service', message: 'the service ntpd crashed or failed', when: 'release' },
    { kind: 'core-dump', message: 'a program left a core dump: /core', when: 'release' },
    { kind: 'core-dump', message: 'ntpd (process 7) died by a fault: ntpd[7]: segfault at 0', when: 'release' },
    { kind: 'taint', message: 'the kernel is tainted (512): W: the kernel issued a warning', when: 'release' },
  ]);
});

test('what could not be asked is a finding; a guest that is gone is judged by its console', () => {
  const facts = { ...clean, crashed: { diagnostics: ['no rc-status'] } };
  expect(judgeHealth([], facts, { when: 'ready', allow: [], today })).toEqual([
    { kind: 'unknown', message: 'crashed services could not be learned: no rc-status', when: 'ready' },
  ]);
  const unseen = { ...clean, coredump: { diagnostics: ['no answer'] } };
  expect(judgeHealth([], unseen, { when: 'ready', allow: [], today })).toEqual([
    { kind: 'unknown', message: 'core dumps could not be looked for: no answer', when: 'ready' },
  ]);
  const noLog = { ...clean, coredump: { value: { pattern: 'core', dumps: [] }, diagnostics: ['not permitted'] } };
  expect(judgeHealth([], noLog, { when: 'ready', allow: [], today })).toEqual([]);
  expect(judgeHealth([], undefined, { when: 'release', allow: [], today })).toEqual([]);
});

test('the allow-list covers until the end of its last day, and an expired entry is named', () => {
  const facts = { ...clean, crashed: { value: { init: 'openrc', crashed: ['a', 'b', 'c', 'd'] }, diagnostics: [] } };
  const entry = (service: string, until?: string) => ({
    match: `^crashed-service: the service ${service} `,
    reason: `known ${service}`,
    ...(until === undefined ? {} : { until }),
  });
  const allow = [entry('a'), entry('b', '2026-11-23'), entry('c', '2026-11-22'), entry('c', '2020-01-01')];
  const findings = judgeHealth([], facts, { when: 'ready', allow, today });
  expect(findings.map(({ allowed, expired }) => ({ allowed, expired }))).toEqual([
    { allowed: 'known a' },
    { allowed: 'known b' },
    { expired: '2026-11-22' },
    {},
  ]);
});

test('health is asked in one round trip', async () => {
  const channel = localChannel();
  const facts = await askHealth(channel, builtins, { timeout: 10_000, signal: new AbortController().signal });
  expect(channel.trips).toBe(1);
  expect(facts.kernel.value).toMatchObject({ arch: expect.any(String) });
  expect(facts.crashed.value).toMatchObject({ init: expect.any(String) });
});

import { expect, test } from 'vitest';
import { deathOf, type Signs } from '../../src/lab/death.ts';
import { parseEstablished } from '../../src/lab/probes.ts';

const verdict = {
  stage: 'kernel' as const,
  cause: 'root-missing' as const,
  blame: 'guest' as const,
  meaning: 'no root',
  advice: 'look',
  at: 5,
  evidence: ['VFS: Unable to mount root fs'],
};
const late = { ...verdict, cause: 'timer-late' as const };
const exit = { code: 0, signal: null, stderr: '', at: 0 };
const weigh = (signs: Partial<Signs>) =>
  deathOf({ verdict: undefined, how: 'QEMU ended', ...signs }, 'kernel', ['last']);

test.each<[string, Partial<Signs>, string, string]>([
  ['the console explains the end', { exit, verdict }, 'root-missing', 'guest'],
  ['an emulated timer came too late', { exit, verdict: late, emulated: true }, 'timer-late', 'host'],
  ['a timer came too late', { exit, verdict: late, emulated: false }, 'timer-late', 'guest'],
  ['an emulated guest has no root', { exit, verdict, emulated: true }, 'root-missing', 'guest'],
  ['a panic without a line', { exit, panicked: true }, 'kernel-panic', 'guest'],
  ['QEMU reports the panic itself', { exit, shutdown: 'guest-panic' }, 'kernel-panic', 'guest'],
  ['the guest resets', { exit, shutdown: 'guest-reset' }, 'guest-reset', 'guest'],
  ['the guest powers off', { exit, shutdown: 'guest-shutdown' }, 'guest-shutdown', 'guest'],
  ['someone ends QEMU', { exit, shutdown: 'host-signal' }, 'qemu-ended', 'host'],
  [
    'QEMU is killed, whatever stood on the console',
    { exit: { ...exit, code: null, signal: 'SIGKILL' }, verdict },
    'qemu-ended',
    'host',
  ],
  ['QEMU fails', { exit: { ...exit, code: 1, stderr: 'qemu: out of luck\n' } }, 'qemu-ended', 'host'],
  ['the accelerator fails', { internal: true }, 'qemu-internal-error', 'host'],
  ['nobody knows', { exit }, 'qemu-ended', 'unknown'],
])('%s', (_what, signs, cause, blame) => {
  expect(weigh(signs)).toMatchObject({ cause, blame });
});

test('that the processors were emulated is said where it decides', () => {
  const signs = { exit, verdict: late, emulated: true };
  expect(weigh(signs).how).toBe('QEMU ended; its processors were emulated');
  expect(weigh({ ...signs, verdict }).how).toBe('QEMU ended');
});

test("QEMU's own last words are the evidence where it failed", () => {
  expect(weigh({ exit: { ...exit, code: 1, stderr: 'a\nqemu: out of luck\n' } }).evidence).toEqual([
    'a',
    'qemu: out of luck',
  ]);
  expect(weigh({ exit, shutdown: 'guest-reset' }).evidence).toEqual(['last']);
});

test.each([
  ['SIGBUS', /memory in a file.*GVM_HOME/],
  ['SIGKILL', /dmesg/],
  ['SIGSEGV', /^$/],
])('what the host may lack is said after %s', (signal, advice) => {
  expect(weigh({ exit: { ...exit, code: null, signal } }).advice ?? '').toMatch(advice);
});

test('QEMU tells whether a connection reached the guest', () => {
  const usernet = (state: string) => `Hub -1 (net0):
  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ
  TCP[HOST_FORWARD]  12       127.0.0.1 41751       10.0.2.15    22     0     0
  TCP[${state}]  18       127.0.0.1 50314       10.0.2.15    22     0     0
`;
  expect(parseEstablished(usernet('ESTABLISHED'), 22)).toBe(true);
  expect(parseEstablished(usernet('SYN_SENT'), 22)).toBe(false);
  expect(parseEstablished(usernet('ESTABLISHED'), 2222)).toBe(false);
});

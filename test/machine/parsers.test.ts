import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { startFailure } from '../../src/machine/failure.ts';
import { parseForward } from '../../src/machine/forward.ts';
import { hostTrouble } from '../../src/machine/index.ts';
import { parseMessage } from '../../src/machine/qmp/protocol.ts';

describe('parseForward', () => {
  it('finds the host port of the first forwarding', () => {
    const text = [
      'Hub -1 (net0):',
      '  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ',
      '  TCP[ESTABLISHED]   14       127.0.0.1 50000       10.0.2.15    22     0     0',
      '  TCP[HOST_FORWARD]  13       127.0.0.1 36897       10.0.2.15    22     0     0',
    ].join('\r\n');
    expect(parseForward(text)).toBe(36897);
  });

  it('finds none where there is none', () => {
    expect(parseForward('')).toBeUndefined();
    expect(parseForward('  TCP[HOST_FORWARD]  13  0.0.0.0 1  10.0.2.15 22 0 0')).toBeUndefined();
  });
});

describe('parseMessage', () => {
  it('never throws', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (line) => void parseMessage(line, 0)));
  });

  it('tells the kinds apart', () => {
    expect(parseMessage('{"return":{},"id":3}', 0)).toEqual({ kind: 'return', id: 3, value: {} });
    expect(parseMessage('{"return":{}}', 0)).toBeUndefined();
    expect(parseMessage('{"event":"STOP","data":[1]}', 7)).toEqual({
      kind: 'event',
      event: { name: 'STOP', data: {}, at: 7 },
    });
    expect(parseMessage('{"error":{"class":"C","desc":"d"}}', 0)).toEqual({
      kind: 'error',
      id: undefined,
      class: 'C',
      description: 'd',
    });
  });
});

describe('hostTrouble', () => {
  const event = (data: Record<string, unknown>) => ({ name: 'BLOCK_IO_ERROR', at: 0, data });

  it('tells a full disk from other errors', () => {
    const full = { operation: 'write', action: 'stop', nospace: true, 'node-name': 'system-0' };
    expect(hostTrouble(event(full))).toMatchObject({ code: 'disk-full' });
    expect(
      hostTrouble(event({ operation: 'read', 'node-name': 'x\u001b[2J', reason: 'Input/output error' })),
    ).toMatchObject({
      code: 'host-resource',
      message: "QEMU could not read the guest's disk x: Input/output error",
    });
    expect(hostTrouble({ name: 'STOP', at: 0, data: {} })).toBeUndefined();
  });
});

describe('startFailure', () => {
  it.each([
    ['Could not access KVM kernel module: Permission denied', /doctor/],
    ['Failed to get "write" lock', /another program/],
    ['sandbox support is not enabled in this QEMU binary', /USE=seccomp/],
    ["cannot set up guest memory 'pc.ram': Cannot allocate memory", /less memory/],
    ['something new', /--dry-run/],
  ])('knows what mends: %s', (stderr, hint) => {
    const error = startFailure('qemu', { code: 1, signal: null, stderr, at: 0 });
    expect(error.message).toBe(`qemu ended with exit code 1 before the guest began: ${stderr}`);
    expect(error.hint).toMatch(hint);
  });
});

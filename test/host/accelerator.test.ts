import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { proofKey, readProof, writeProof } from '../../src/host/accelerator/cache.ts';
import { proofRom } from '../../src/host/accelerator/proof-rom.ts';
import { judge } from '../../src/host/accelerator/prove.ts';
import { scaleOf } from '../../src/host/accelerator/scale.ts';
import { LoopTiming } from '../../src/host/accelerator/timing.ts';
import { chooseAccelerator } from '../../src/host/index.ts';
import { findTool } from '../../src/process/index.ts';
import type { AcceleratorProof } from '../../src/schema/index.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-proof-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const works = { fit: true, reason: 'a guest ran', scale: 1, loop: 0.1 };
const dead = { fit: false, reason: '/dev/kvm opens, but no guest runs with it', scale: 1, loop: null };
const slow = { fit: true, reason: 'a guest ran', scale: 4, loop: 0.5 };

describe('the ROM', () => {
  it('is 64 KiB with a jump at the reset vector', () => {
    const rom = proofRom();
    expect(rom).toHaveLength(65536);
    expect(rom.subarray(0xfff0, 0xfff5).toString('hex')).toBe('ea00fe00f0');
  });

  it.skipIf(!findTool('as') || !findTool('objcopy') || process.arch !== 'x64')(
    'is what its source assembles to',
    () => {
      const source = fileURLToPath(new URL('../../src/host/accelerator/proof.s', import.meta.url));
      const [object, binary] = [join(folder, 'proof.o'), join(folder, 'proof.bin')];
      execFileSync('as', ['--64', '-o', object, source]);
      execFileSync('objcopy', ['-O', 'binary', '-j', '.text', object, binary]);
      expect(proofRom().subarray(0xfe00).toString('hex')).toBe(readFileSync(binary).toString('hex'));
    },
  );
});

describe('LoopTiming', () => {
  const report = (ticks: number, output = 0) => {
    const count = 0xffff - ticks;
    return [0x45, count & 0xff, count >> 8, output];
  };

  it('takes the fastest of the rounds, by the clock that counted less', () => {
    const timing = new LoopTiming();
    timing.push(Uint8Array.from([0x42]), 100);
    timing.push(Uint8Array.from(report(2386)), 150); // 2 ms in the guest, 50 ms outside
    timing.push(Uint8Array.from([0x42]), 200);
    timing.push(Uint8Array.from(report(11932)), 201); // 10 ms in the guest, 1 ms outside
    expect(timing.fastest).toBe(1);
  });

  it('believes the host where the timer has run out', () => {
    const timing = new LoopTiming();
    timing.push(Uint8Array.from([0x42]), 0);
    timing.push(Uint8Array.from(report(100, 0x20)), 170);
    expect(timing.fastest).toBe(170);
  });

  it('reads bytes however they are cut, and report bytes that look like marks', () => {
    const timing = new LoopTiming();
    for (const byte of [0x42, 0x45, 0x42, 0x45, 0x00]) timing.push(Uint8Array.from([byte]), 5);
    expect(timing.fastest).toBeCloseTo((0xffff - 0x4542) / 1193.182);
  });
});

describe('the verdict', () => {
  const exit = { code: 85, signal: null, stderr: '', at: 0 };
  const timed = (ms: number) => {
    const timing = new LoopTiming();
    timing.push(Uint8Array.from([0x42]), 0);
    timing.push(Uint8Array.from([0x45, 0, 0, 0x20]), ms);
    return timing;
  };

  it('is yes for the exit code of the ROM and a quick loop', () => {
    expect(judge(exit, timed(19))).toEqual({
      fit: true,
      reason: 'a guest ran in 64-bit ring 0, 100,000 rounds in 19.00 ms',
    });
  });

  it('is no for a slow loop', () => {
    expect(judge(exit, timed(104))).toEqual({
      fit: false,
      reason: 'it emulates ring 0: 100,000 rounds took 104.0 ms (hardware: under 1 ms)',
    });
    expect(judge(exit, new LoopTiming()).fit).toBe(false);
  });

  it("is no for every other end, with QEMU's first telling line", () => {
    const stderr = 'qemu-system-x86_64: warning: x\nqemu-system-x86_64: error: failed to set MSR 0x10a\nmore';
    expect(judge({ ...exit, code: null, signal: 'SIGABRT', stderr }, timed(1))).toEqual({
      fit: false,
      reason: 'QEMU was ended by SIGABRT (error: failed to set MSR 0x10a)',
    });
    // The ROM's own "bad", and a reset after a triple fault.
    for (const code of [3, 0]) expect(judge({ ...exit, code }, timed(1)).fit).toBe(false);
  });
});

describe('scaleOf', () => {
  it('is 1 on hardware and grows with slowness, within bounds', () => {
    expect(scaleOf('kvm', 0.05)).toBe(1);
    expect(scaleOf('kvm', 1)).toBe(5);
    expect(scaleOf('tcg', 0.4)).toBe(4);
    expect(scaleOf('tcg', 1.2)).toBe(8);
    expect(scaleOf('tcg', 1e9)).toBe(40);
    expect(scaleOf('tcg', null)).toBe(4);
  });
});

describe('chooseAccelerator', () => {
  it('takes KVM where it is proved', () => {
    expect(chooseAccelerator('auto', { kvm: works, tcg: slow })).toMatchObject({
      name: 'kvm',
      fallback: false,
      scale: 1,
    });
  });

  it('falls back to TCG and says why', () => {
    expect(chooseAccelerator('auto', { kvm: dead, tcg: slow })).toEqual({
      name: 'tcg',
      reason: 'KVM is not fit: /dev/kvm opens, but no guest runs with it',
      fallback: true,
      scale: 4,
      emulatedScale: 4,
    });
  });

  it('does not replace what was asked for', () => {
    expect(() => chooseAccelerator('kvm', { kvm: dead, tcg: slow })).toThrow(
      expect.objectContaining({
        code: 'accelerator-unavailable',
        exitCode: 4,
        message: 'KVM does not work here: /dev/kvm opens, but no guest runs with it',
        hint: 'see `gvm doctor`, or use --accel tcg (slower)',
      }),
    );
    expect(() => chooseAccelerator('auto', { kvm: dead, tcg: dead })).toThrow('TCG does not work here');
  });
});

describe('the kept proof', () => {
  const proof: AcceleratorProof = { kvm: dead, tcg: slow };

  it('comes back for the same key only', () => {
    const key = proofKey(process.execPath, '/dev/null');
    expect(readProof(folder, key)).toBeUndefined();
    writeProof(folder, key, proof);
    expect(readProof(folder, key)).toEqual(proof);
    expect(readProof(folder, proofKey(process.execPath, '/dev/kvm-not'))).toBeUndefined();
  });

  it('counts as absent when it is not whole', () => {
    writeProof(folder, 'k', { kvm: dead } as AcceleratorProof);
    expect(readProof(folder, 'k')).toBeUndefined();
  });
});

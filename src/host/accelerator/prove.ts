import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clip, type Log, monotonic, printable, within } from '../../core/index.ts';
import { type ChildExit, type SupervisedChild, scratchFolder, spawnSupervised } from '../../process/index.ts';
import { PROOF_EXIT, proofRom } from './proof-rom.ts';
import { LoopTiming } from './timing.ts';

/** What running the proof under one accelerator showed. */
export interface ProofRun {
  fit: boolean;
  /** Why it is not fit, or how it was found fit: one clause for a person. */
  reason: string;
  /** Milliseconds of the fastest loop of 100,000 rounds; null when none ended. */
  loop: number | null;
  /** Milliseconds of the whole proof. */
  took: number;
}

// Hardware takes 0.2 ms or less, an emulation of ring 0 over 100 ms.
const LONGEST_LOOP = 20;
const ROUNDS = '100,000 rounds';

/**
 * Runs the ROM as a guest. The ROM is ours and no disk is attached, so QEMU keeps gvm's own account here; whether the
 * guests' account may open the device is another question.
 * @param limit milliseconds after which the answer is no
 */
export async function runProof(
  accelerator: 'kvm' | 'tcg',
  cpu: string,
  limit: number,
  options: { log: Log; signal?: AbortSignal | undefined },
): Promise<ProofRun> {
  options.signal?.throwIfAborted();
  const began = monotonic();
  const timing = new LoopTiming();
  await using child = await startProof(accelerator, cpu, options.log);
  child.socket('report').on('data', (chunk: Buffer) => timing.push(chunk, monotonic()));
  const end = Promise.race([child.exited, child.said(/KVM internal error/)]);
  const ended = await within(end, limit, options.signal);
  if (!ended) {
    child.kill('SIGKILL');
    const exit = await child.exited;
    return {
      fit: false,
      reason: silence(exit, timing, limit),
      loop: timing.fastest ?? null,
      took: monotonic() - began,
    };
  }
  return { ...judge(ended, timing), loop: timing.fastest ?? null, took: monotonic() - began };
}

async function startProof(accelerator: string, cpu: string, log: Log): Promise<SupervisedChild> {
  const folder = scratchFolder();
  try {
    const rom = join(folder, 'rom');
    writeFileSync(rom, proofRom());
    const argv = [
      ...['-name', 'guest=gvm-proof', '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
      ...['-machine', 'q35', '-accel', accelerator, '-cpu', cpu, '-m', 'size=16M'],
      ...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
      ...['-bios', '/proc/self/fd/3', '-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04'],
      ...['-chardev', 'socket,id=report,fd=4', '-device', 'isa-debugcon,iobase=0xe9,chardev=report'],
    ];
    const files = [{ fd: 3, path: rom, flags: 'r' }];
    const sockets = [{ fd: 4, name: 'report' }];
    return await spawnSupervised({ tool: 'qemu-system-x86_64', argv, files, sockets, log });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The verdict on a QEMU that ended by itself. */
export function judge(exit: ChildExit, timing: LoopTiming): { fit: boolean; reason: string } {
  if (exit.code !== PROOF_EXIT) {
    const how = exit.signal ? `QEMU was ended by ${exit.signal}` : `QEMU ended with exit code ${exit.code}`;
    return { fit: false, reason: `${how}${lastWords(exit)}` };
  }
  const loop = timing.fastest;
  if (loop === undefined || loop > LONGEST_LOOP) {
    const took = loop === undefined ? 'longer than its timer counts' : `${loop.toFixed(1)} ms`;
    return { fit: false, reason: `it emulates ring 0: ${ROUNDS} took ${took} (hardware: under 1 ms)` };
  }
  return { fit: true, reason: `a guest ran in 64-bit ring 0, ${ROUNDS} in ${loop.toFixed(2)} ms` };
}

function silence(exit: ChildExit, timing: LoopTiming, limit: number): string {
  if (/KVM internal error/.test(exit.stderr)) return `it stopped at an instruction it cannot run${lastWords(exit)}`;
  const seen = timing.fastest === undefined ? '' : `; ${ROUNDS} took ${timing.fastest.toFixed(1)} ms`;
  return `the guest did not end within ${(limit / 1000).toFixed(1)} s${seen}`;
}

/** The first telling line of QEMU's standard error. */
function lastWords({ stderr }: ChildExit): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !/\bwarning:/.test(line));
  const line = lines[0]?.replace(/^qemu-system-\w+: /, '');
  return line ? ` (${clip(printable(line), 200)})` : '';
}

import { clip, printable } from '../core/index.ts';
import type { ConsoleVerdict } from '../guest/index.ts';
import type { QemuExit } from '../machine/index.ts';
import type { Blame, Stage } from '../schema/index.ts';

/** Why a guest is no more, and what shows it. */
export interface Death {
  stage: Stage;
  cause: string;
  blame: Blame;
  /** One clause for a person. */
  meaning: string;
  /** How it was noticed: one clause. */
  how: string;
  /** Lines of the console or of QEMU, fit for a terminal. */
  evidence: string[];
  /** What to look at next, where the cause says. */
  advice?: string;
  /** When the last line of the evidence came, in milliseconds since the start of QEMU. */
  traceAt?: number;
  /** When it was given up, likewise. */
  at?: number;
}

export interface Signs {
  /** What the console makes of it, where it is believed. */
  verdict: ConsoleVerdict | undefined;
  how: string;
  /** Its processors are emulated, and wait while the host has other work. */
  emulated?: boolean;
  panicked?: boolean;
  internal?: boolean;
  exit?: QemuExit;
  /** The reason that QEMU gave for its end (QMP `ShutdownCause`). */
  shutdown?: string | undefined;
}

/** Weighs the signs: what QEMU reports of itself counts before what the console shows. Pure. */
export function deathOf(signs: Signs, stage: Stage, tail: string[]): Death {
  const { verdict, exit, how } = signs;
  const shown = { stage, how, evidence: tail };
  if (signs.internal) {
    return { ...shown, cause: 'qemu-internal-error', blame: 'host', meaning: 'the accelerator could not run it' };
  }
  if (exit && (exit.signal !== null || (exit.code ?? 0) !== 0)) return qemuFailed(exit, stage);
  if (verdict) {
    const { stage: at, cause, meaning, advice, evidence } = verdict;
    const delayed = cause === 'timer-late' && signs.emulated;
    const blamed = delayed ? { blame: 'host' as const, how: `${how}; its processors were emulated` } : { how };
    return { stage: at, cause, blame: verdict.blame, meaning, evidence, advice, traceAt: verdict.at, ...blamed };
  }
  if (signs.panicked || signs.shutdown === 'guest-panic') {
    return { ...shown, cause: 'kernel-panic', blame: 'guest', meaning: 'the kernel panicked' };
  }
  if (signs.shutdown === 'guest-reset') {
    return { ...shown, cause: 'guest-reset', blame: 'guest', meaning: 'it reset itself' };
  }
  if (signs.shutdown === 'guest-shutdown') {
    return { ...shown, cause: 'guest-shutdown', blame: 'guest', meaning: 'it powered itself off' };
  }
  if (signs.shutdown?.startsWith('host-')) {
    return { ...shown, cause: 'qemu-ended', blame: 'host', meaning: 'QEMU was told to end from outside' };
  }
  return { ...shown, cause: 'qemu-ended', blame: 'unknown', meaning: 'QEMU ended without giving a reason' };
}

/** What a host does to QEMU with a signal when it runs out of something. */
const signalAdvice: Readonly<Record<string, string>> = {
  SIGBUS:
    'a guest that can be frozen has its memory in a file, and so it ends where no space is left for it: free some space, ' +
    'or set GVM_HOME to a folder on another file system',
  SIGKILL:
    "Linux kills so when memory runs out (the host's `dmesg` says it): run fewer guests at once, or smaller ones",
};

function qemuFailed(exit: QemuExit, stage: Stage): Death {
  const how = exit.signal === null ? `QEMU ended with exit code ${exit.code}` : `QEMU was ended by ${exit.signal}`;
  const said = exit.stderr.trim().split('\n').slice(-3).filter(Boolean);
  const evidence = said.map((line) => clip(printable(line), 300));
  const advice = signalAdvice[exit.signal ?? ''];
  const death: Death = { stage, cause: 'qemu-ended', blame: 'host', meaning: 'QEMU itself ended', how, evidence };
  return advice === undefined ? death : { ...death, advice };
}

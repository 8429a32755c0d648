import { clip, printable } from '../../core/index.ts';
import type { Blame, Stage } from '../../schema/index.ts';
import { type ConsoleCause, causes } from './causes.ts';
import type { ConsoleLine } from './lines.ts';
import { type Signature, signatures } from './signatures.ts';
import { stageOf, stageOrder, unstamp } from './stages.ts';

/** What is known besides the console. */
export type Agreement =
  /** QEMU ended, or reported that the guest panicked. */
  { kind: 'ended' } | Quiet;

/** Nothing was printed for a while, and what else is known of the guest. */
export interface Quiet {
  kind: 'quiet';
  ms: number;
  /** How much slower than hardware it may be. */
  scale: number;
  /** What the last attempt to reach its SSH server came to. */
  reach: 'answered' | 'refused' | 'pending';
  /** What its processors were found doing, many times in a row. */
  activity?: 'idle' | 'stopped' | 'real-mode' | 'busy' | undefined;
  /** The boot sector that the BIOS loaded has no code. */
  emptyBootSector?: boolean;
  /** No driver has taken its network card. */
  driverless?: boolean;
  /** It is entered over its console port, and needs neither network nor SSH server. */
  overConsole?: boolean;
}

/** Why a boot is given up. */
export interface ConsoleVerdict {
  stage: Stage;
  cause: ConsoleCause;
  blame: Blame;
  meaning: string;
  /** What to look at next. */
  advice: string;
  /** The lines that show it, fit for a terminal. */
  evidence: string[];
  /** When the last of them began, in milliseconds since the start of QEMU. */
  at: number;
}

interface Suspicion {
  signature: Signature;
  /** Place in the table: the first explains best. */
  rank: number;
  stage: Stage;
  line: ConsoleLine;
  /** Something followed that a stopped boot would not print. */
  wentOn: boolean;
}

/** Milliseconds of silence that make a suspicion a verdict where nothing else agrees; before scaling. */
const QUIET = {
  prompt: 1500,
  halted: 1500,
  panic: 2500,
  idle: 4000,
  mention: 20_000,
  over: 5000,
  login: 30_000,
} as const;
/** Milliseconds of silence that are enough where the processors agree, or where no program runs that could lie. */
const AGREED = 1000;
/** The end of what init starts: OpenRC has getty started last, systemd says so. */
const OVER = /Reached target (?:\S+ - )?(?:Multi-User|Graphical)/i;
const OPENRC = /^\s*OpenRC [\d.]+/;
/** Init says that it could not start the SSH server, in the words of OpenRC and of systemd. */
const SERVER_FAILED =
  /ERROR: (?:cannot start )?sshd? (?:as|failed)|\[FAILED\] Failed to start (?:sshd?\.service|OpenBSD Secure|OpenSSH)/;
const COMMAND_LINE = /^Kernel command line: (.*)/;
const MOST_SUSPICIONS = 100;
const MOST_EVIDENCE = 8;
/**
 * Reads a console on its way to ready, line by line. What it sees is a suspicion: any program may print any text. Only
 * what else is known of the guest makes a verdict of it (design §6). Pure: time comes with the lines.
 */
export class ConsoleClassifier {
  #stage: Stage = 'qemu';
  #stamped = false;
  /** Nothing is started any more once there is a login prompt. */
  #over = false;
  #settled = false;
  #serverFailed = false;
  #suspicions: Suspicion[] = [];
  /** What the kernel was told, as far as it is known. */
  #commandLine: string | undefined;

  /** @param commandLine what the kernel is told, where its console need not say it */
  constructor(commandLine?: string) {
    this.#commandLine = commandLine;
  }

  /** The last stage that was reached. */
  get stage(): Stage {
    return this.#stage;
  }

  /** @returns the stage, where this line is the first to show it */
  push(line: ConsoleLine): Stage | undefined {
    const { text, stamped } = unstamp(line.text);
    this.#stamped ||= stamped;
    this.#over ||= OVER.test(text) || OPENRC.test(text);
    this.#serverFailed ||= !stamped && SERVER_FAILED.test(text);
    if (stamped && stageOrder(this.#stage) <= stageOrder('kernel')) this.#commandLine ??= COMMAND_LINE.exec(text)?.[1];
    for (const suspicion of this.#suspicions) {
      // A panic is followed by the kernel's dump, anything else that is final by nothing.
      suspicion.wentOn ||= suspicion.signature.kernel === undefined || !stamped;
    }
    const entered = stageOf(line.text);
    const advanced = entered !== undefined && this.reach(entered) ? entered : undefined;
    for (const [rank, signature] of signatures.entries()) {
      if (!this.#fits(signature, text, stamped)) continue;
      // Of those that a boot has, the first explain it; of those of a long life, the last.
      if (this.#suspicions.length === MOST_SUSPICIONS && this.#settled) this.#suspicions.shift();
      if (this.#suspicions.length < MOST_SUSPICIONS) this.#suspicions.push(this.#suspicion(rank, signature, line));
    }
    return advanced;
  }

  /** The guest is ready: what was suspected is refuted, and from now on only what the kernel says counts. */
  settle(): void {
    this.#settled = true;
    this.#suspicions = [];
  }

  /** A stage that was learned elsewhere, or from a line. @returns whether it is a new one */
  reach(stage: Stage): boolean {
    if (stageOrder(stage) <= stageOrder(this.#stage)) return false;
    this.#stage = stage;
    return true;
  }

  /**
   * @param waiting the text after the last line end
   * @returns why the boot is to be given up; undefined as long as there is hope
   */
  judge(agreement: Agreement, waiting?: ConsoleLine): ConsoleVerdict | undefined {
    const driverless = agreement.kind === 'quiet' && agreement.driverless === true;
    const prompts = waiting
      ? this.#prompts(waiting).filter((s) => driverless || s.signature.shape !== 'unreached')
      : [];
    const all = [...this.#suspicions.filter((s) => this.#stands(s)), ...prompts].sort((a, b) => a.rank - b.rank);
    // The last words of a guest that has run for long explain its end, whatever it said before.
    if (this.#settled) all.sort((a, b) => b.line.at - a.line.at);
    const [best] = all;
    if (!best) return undefined;
    if (agreement.kind === 'ended' || all.some((s) => believed(s, agreement, this.#over, this.#serverFailed))) {
      return verdict(best, all, this.#commandLine);
    }
    return undefined;
  }

  /** Whether the boot is over: nothing is started any more, and a login prompt waits. */
  isOver(waiting?: ConsoleLine): boolean {
    return this.#over && waiting !== undefined && this.#prompts(waiting).some((s) => s.signature.shape === 'login');
  }

  /** Whether there is anything that silence could make a verdict of. */
  suspects(waiting?: ConsoleLine): boolean {
    return this.#suspicions.some((s) => this.#stands(s)) || this.isPrompt(waiting);
  }

  /** Whether this is text at which something waits. */
  isPrompt(waiting?: ConsoleLine): boolean {
    return waiting !== undefined && this.#prompts(waiting).length > 0;
  }

  #fits(signature: Signature, text: string, stamped: boolean): boolean {
    if (atPrompt(signature)) return false;
    if (!this.#inOrder(signature) || (this.#settled && !signature.kernel)) return false;
    if (signature.kernel && this.#stamped && !stamped) return false;
    return signature.pattern.test(text);
  }

  /** Firmware and boot loader say nothing any more once a kernel runs, nor an initramfs once init does. */
  #inOrder({ stage, kernel }: Signature): boolean {
    if (kernel) return true;
    const [now, then] = [stageOrder(this.#stage), stageOrder(stage)];
    if (then < stageOrder('kernel')) return now < stageOrder('kernel');
    return then >= stageOrder('init') || now < stageOrder('init');
  }

  /** A boot that went on to a later stage has refuted what was suspected before. */
  #stands({ stage }: Suspicion): boolean {
    return stageOrder(this.#stage) <= stageOrder(stage);
  }

  #prompts(waiting: ConsoleLine): Suspicion[] {
    return [...signatures.entries()]
      .filter(([, s]) => atPrompt(s) && this.#inOrder(s) && s.pattern.test(waiting.text))
      .map(([rank, signature]) => this.#suspicion(rank, signature, waiting));
  }

  #suspicion(rank: number, signature: Signature, line: ConsoleLine): Suspicion {
    // What was never reached is where it ends, whatever was begun after that.
    const later = signature.shape !== 'unreached' && stageOrder(this.#stage) > stageOrder(signature.stage);
    return { signature, rank, stage: later ? this.#stage : signature.stage, line, wentOn: false };
  }
}

function atPrompt({ shape }: Signature): boolean {
  return shape === 'prompt' || shape === 'login' || shape === 'unreached';
}

/** Whether silence is enough to believe a suspicion. A kernel that still answers to the network has not stopped. */
function believed({ signature, wentOn }: Suspicion, quiet: Quiet, over: boolean, serverFailed: boolean): boolean {
  const { ms, scale, reach, activity } = quiet;
  if (reach === 'answered') return false;
  if (quiet.overConsole && (signature.shape === 'login' || signature.shape === 'unreached')) return false;
  const early = stageOrder(signature.stage) < stageOrder('kernel');
  /** Silence that is enough: little where something agrees, much where the processors do something else. */
  const silent = (agrees: boolean, alone: number) => {
    if (agrees) return ms >= AGREED;
    return ms >= (activity === undefined ? alone : Math.max(alone, QUIET.mention)) * scale;
  };
  /** What stops in init may have its network up by then, and its kernel refuses what no server takes. */
  const stopped = reach !== 'refused' || signature.stage === 'init';
  switch (signature.shape) {
    case 'prompt':
      return silent(early || activity === 'idle', QUIET.prompt) && stopped;
    case 'final': {
      const agrees = early || activity === (signature.kernel ? 'stopped' : 'idle');
      return silent(agrees, signature.kernel ? QUIET.panic : QUIET.halted) && stopped && !wentOn;
    }
    case 'idle':
      return activity === 'real-mode' && ms >= (quiet.emptyBootSector ? AGREED : QUIET.idle * scale) && !wentOn;
    case 'unreached':
      return silent(activity === 'idle', QUIET.over);
    case 'login':
      if (activity === 'busy') return ms >= QUIET.login * scale;
      // Nothing is started any more, and no SSH server has been.
      if (over && activity && (reach === 'refused' || serverFailed)) return ms >= AGREED;
      return ms >= (over ? QUIET.over : QUIET.login) * scale;
    case 'mention': {
      // On a busy host firmware drops what it cannot print in time, its prompt too.
      const waits = early && activity === 'idle' && ms >= QUIET.over * scale;
      return (waits || silent(false, QUIET.mention)) && reach !== 'refused';
    }
  }
}

function verdict(best: Suspicion, all: readonly Suspicion[], commandLine = ''): ConsoleVerdict {
  const { cause } = best.signature;
  const others = all.filter((s) => s.signature.cause !== cause);
  const chosen = [...all.filter((s) => s.signature.cause === cause), ...others].slice(0, MOST_EVIDENCE - 1);
  // Where a guest came to rest belongs to it, however much it had said before.
  const rest = all.reduce((last, s) => (s.line.at > last.line.at ? s : last), best);
  const lines = [...new Set([...chosen, rest])].map((s) => s.line).sort((a, b) => a.at - b.at);
  const evidence = [...new Set(lines.map((line) => clip(printable(line.text.trim()), 300)))];
  // A kernel without drivers of its own does not say what it looked for, only that it found nothing.
  const unnamed = cause === 'root-missing' && best.signature.stage === 'kernel' && namesByContent(commandLine);
  const found = unnamed ? 'no-initramfs' : cause;
  return { stage: best.stage, cause: found, blame: 'guest', ...causes[found], evidence, at: lines.at(-1)?.at ?? 0 };
}

/** Whether root= is what only an initramfs can look up. */
function namesByContent(commandLine: string): boolean {
  return /^(?:UUID|LABEL)=/.test([...commandLine.matchAll(/(?:^|\s)root=(\S+)/g)].at(-1)?.[1] ?? '');
}

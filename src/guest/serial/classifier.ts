import { clip, printable } from '../../core/index.ts';
import type { Blame, Stage } from '../../schema/index.ts';
import type { ConsoleLine } from './lines.ts';
import { type ConsoleCause, causeMeaning, type Signature, signatures } from './signatures.ts';
import { stageOf, stageOrder, unstamp } from './stages.ts';

/** What is known besides the console. */
export type Agreement =
  /** QEMU ended, or reported that the guest panicked. */
  | { kind: 'ended' }
  /** Nothing happened for this many milliseconds, on fast hardware: the caller has divided by its scale. */
  | {
      kind: 'quiet';
      ms: number;
      reach: 'answered' | 'refused' | 'pending';
      /** The processor has been seen in real mode (16 bit) only, many times: no kernel runs, nor most boot loaders. */
      realMode?: boolean;
    };

/** Why a boot is given up. */
export interface ConsoleVerdict {
  stage: Stage;
  cause: ConsoleCause;
  blame: Blame;
  meaning: string;
  /** The lines that show it, fit for a terminal. */
  evidence: string[];
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

/** Milliseconds of silence that make a suspicion a verdict, before scaling. */
const QUIET = { prompt: 1500, halted: 1500, panic: 2500, idle: 4000, mention: 20_000, login: 30_000 } as const;
const MOST_SUSPICIONS = 100;
const MOST_EVIDENCE = 8;
/**
 * Reads a console on its way to ready, line by line. What it sees is a suspicion: any program may print any text. Only
 * what else is known of the guest makes a verdict of it (design §6). Pure: time comes with the lines.
 */
export class ConsoleClassifier {
  #stage: Stage = 'qemu';
  #stamped = false;
  readonly #suspicions: Suspicion[] = [];

  /** The last stage that was reached. */
  get stage(): Stage {
    return this.#stage;
  }

  /** @returns the stage, where this line is the first to show it */
  push(line: ConsoleLine): Stage | undefined {
    const { text, stamped } = unstamp(line.text);
    this.#stamped ||= stamped;
    for (const suspicion of this.#suspicions) {
      // A panic is followed by the kernel's dump, anything else that is final by nothing.
      suspicion.wentOn ||= suspicion.signature.kernel === undefined || !stamped;
    }
    const entered = stageOf(line.text);
    const advanced = entered !== undefined && this.reach(entered) ? entered : undefined;
    for (const [rank, signature] of signatures.entries()) {
      if (this.#suspicions.length < MOST_SUSPICIONS && this.#fits(signature, text, stamped)) {
        this.#suspicions.push(this.#suspicion(rank, signature, line));
      }
    }
    return advanced;
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
    const prompts = waiting ? this.#prompts(waiting) : [];
    const all = [...this.#suspicions.filter((s) => this.#stands(s)), ...prompts].sort((a, b) => a.rank - b.rank);
    const [best] = all;
    if (!best) return undefined;
    if (agreement.kind === 'ended' || all.some((s) => believed(s, agreement))) return verdict(best, all);
    return undefined;
  }

  #fits(signature: Signature, text: string, stamped: boolean): boolean {
    if (signature.shape === 'prompt' || signature.shape === 'login') return false;
    if (!this.#inOrder(signature)) return false;
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
      .filter(
        ([, s]) => (s.shape === 'prompt' || s.shape === 'login') && this.#inOrder(s) && s.pattern.test(waiting.text),
      )
      .map(([rank, signature]) => this.#suspicion(rank, signature, waiting));
  }

  #suspicion(rank: number, signature: Signature, line: ConsoleLine): Suspicion {
    const later = stageOrder(this.#stage) > stageOrder(signature.stage);
    return { signature, rank, stage: later ? this.#stage : signature.stage, line, wentOn: false };
  }
}

/** Whether silence is enough to believe a suspicion. A kernel that still answers to the network has not stopped. */
function believed(
  { signature, wentOn }: Suspicion,
  { ms, reach, realMode }: Extract<Agreement, { kind: 'quiet' }>,
): boolean {
  if (reach === 'answered') return false;
  switch (signature.shape) {
    case 'prompt':
      return ms >= QUIET.prompt && (reach !== 'refused' || signature.stage === 'init');
    case 'final':
      return ms >= (signature.kernel ? QUIET.panic : QUIET.halted) && reach !== 'refused' && !wentOn;
    case 'idle':
      return ms >= QUIET.idle && realMode === true && !wentOn;
    case 'login':
      return ms >= QUIET.login;
    case 'mention':
      return ms >= QUIET.mention && reach !== 'refused';
  }
}

function verdict(best: Suspicion, all: readonly Suspicion[]): ConsoleVerdict {
  const { cause } = best.signature;
  const others = all.filter((s) => s.signature.cause !== cause);
  const chosen = [...all.filter((s) => s.signature.cause === cause), ...others].slice(0, MOST_EVIDENCE);
  const lines = chosen.map((s) => s.line).sort((a, b) => a.at - b.at);
  const evidence = [...new Set(lines.map((line) => clip(printable(line.text.trim()), 300)))];
  return { stage: best.stage, cause, blame: 'guest', meaning: causeMeaning[cause], evidence };
}

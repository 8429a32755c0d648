import { shellQuote } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import type { Channel } from '../../guest/index.ts';

export interface AskOptions {
  channel: Pick<Channel, 'exec'>;
  /** Milliseconds for one command, already scaled. */
  timeout: number;
  signal?: AbortSignal | undefined;
}

/** Commands that look and change nothing, run in a guest; their output is hostile. */
export class GuestShell {
  readonly #options: AskOptions;

  constructor(options: AskOptions) {
    this.#options = options;
  }

  /**
   * What a script prints. Its status is not looked at: what is missing shows in the output.
   * @param limit bytes
   * @throws GvmError `unsupported` where it prints more; those of the channel
   */
  async ask(script: string, limit: number): Promise<Buffer> {
    const { timeout, signal, channel } = this.#options;
    const text = `LC_ALL=C; PATH=$PATH:/usr/sbin:/sbin; export LC_ALL PATH\n{ ${script}\n} 2>/dev/null`;
    const { stdout, truncated } = await channel.exec(text, {
      ...{ timeout, maxOutput: limit },
      ...(signal ? { signal } : {}),
    });
    if (truncated) throw tooMuch(limit);
    return stdout;
  }
}

function tooMuch(limit: number): GvmError {
  return new GvmError({
    code: 'unsupported',
    message: `the guest answered with more than the ${limit} bytes that are read at once`,
    details: { limit },
  });
}

/** A path as a word of a script. @throws GvmError `unsupported` for one that is no UTF-8 */
export function wordOf(path: Buffer): string {
  const text = path.toString('utf8');
  if (Buffer.from(text).equals(path)) return shellQuote(text);
  throw new GvmError({ code: 'unsupported', message: `a name that is no UTF-8, in a running guest: ${text}` });
}

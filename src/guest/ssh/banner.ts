import { connect, type Socket } from 'node:net';
import { pause } from '../../core/index.ts';

/** How far a connection attempt came; learned without the guest's help. */
export type Reach = 'answered' | 'refused' | 'pending';

export interface BannerOptions {
  host: string;
  port: number;
  signal: AbortSignal;
  /**
   * Whether the guest itself has accepted the connection. A forwarded port accepts at once, whether or not a guest is
   * there, so only who forwards it can tell. Without it every accepted connection counts.
   */
  reached?: () => Promise<boolean>;
  /** Called when an attempt shows something new of the guest. */
  onReach?: (reach: Reach) => void;
}

const LONGEST_BANNER = 8 * 1024;
/** Milliseconds between attempts where the guest's kernel refuses: two packets each. */
const REFUSED_PAUSE = 100;
/** Milliseconds after which an attempt is looked at, and dropped when it never reached the guest. */
const LOOK = 300;

/**
 * Waits until an SSH server sends its greeting (RFC 4253 §4.2), at next to no cost for the guest: no key exchange is
 * tried before, and the connection that brought the greeting is handed on, with the greeting still to be read.
 * Tries until the signal ends it.
 */
export async function awaitBanner(options: BannerOptions): Promise<Socket> {
  for (;;) {
    options.signal.throwIfAborted();
    const attempt = await attemptOnce(options);
    if (attempt.socket) return attempt.socket;
    options.onReach?.(attempt.reach);
    await pause(attempt.reach === 'refused' ? REFUSED_PAUSE : 0, options.signal);
  }
}

interface Attempt {
  reach: Reach;
  socket?: Socket;
}

function attemptOnce({ host, port, signal, reached, onReach }: BannerOptions): Promise<Attempt> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    let seen = Buffer.alloc(0);
    let look: NodeJS.Timeout | undefined;
    const settle = (attempt: Attempt | undefined) => {
      clearTimeout(look);
      signal.removeEventListener('abort', onAbort);
      socket.off('readable', onReadable).off('error', onEnd).off('close', onEnd).off('connect', onConnect);
      if (!attempt?.socket) {
        socket.on('error', () => {});
        socket.destroy();
      }
      if (attempt) resolve(attempt);
      else reject(signal.reason);
    };
    const onAbort = () => settle(undefined);
    const onEnd = () => settle({ reach: 'refused' });
    const onConnect = () => {
      look = setTimeout(() => void examine(), LOOK);
    };
    const examine = async () => {
      const arrived = reached ? await reached().catch(() => false) : true;
      if (signal.aborted || socket.destroyed) return;
      if (!arrived) return settle({ reach: 'pending' });
      onReach?.('answered');
    };
    const onReadable = () => {
      for (let chunk: Buffer | null = socket.read(); chunk; chunk = socket.read()) seen = Buffer.concat([seen, chunk]);
      if (isGreeting(seen)) {
        socket.unshift(seen);
        settle({ reach: 'answered', socket });
      } else if (seen.length > LONGEST_BANNER) settle({ reach: 'refused' });
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('readable', onReadable).on('error', onEnd).on('close', onEnd).on('connect', onConnect);
  });
}

/** A server may send other lines before its greeting. */
function isGreeting(bytes: Buffer): boolean {
  return /(?:^|\n)SSH-(?:2\.0|1\.99)-[^\n]*\n/.test(bytes.toString('latin1'));
}

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { deferred, monotonic, within } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import { passwordOf } from '../ssh/credentials.ts';

/** The responder of gvm's own images, for guests that lack it. */
const RESPONDER = new URL('../../../images/openrc/usr/lib/gvm/channel', import.meta.url);
/** What it finds around it: root's environment, not that of a console. */
const ENVIRONMENT =
  'HOME=/root USER=root LOGNAME=root SHELL=/bin/sh PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Milliseconds before scaling: for a shell to say something, to take a line, to take the script. */
const PROMPT = 1000;
const LINE = 5000;
const SCRIPT = 20_000;
const RECENT = 4096;
/** A login that is typed while services still print may go wrong once. */
const TRIES = 3;
const LOGIN = /login: ?$/;
const PASSWORD = /assword: ?$/;

export interface ShellLogin {
  user: string;
  /** The variable that holds the password, where the console wants a login first. */
  passwordEnv?: string;
}

/**
 * A shell that waits on a console of the guest, such as hvc0: it is read as long as it lives, and typed into to start
 * the responder of the console channel. The terminal is made raw and silent first. What is typed never contains what is
 * waited for, so that an echo is not taken for an answer.
 */
export class WaitingShell {
  readonly #port: Duplex;
  readonly #login: ShellLogin;
  readonly #scale: number;
  readonly #waits = new Set<() => void>();
  #recent = '';

  /** @param scale what all deadlines are multiplied by */
  constructor(port: Duplex, login: ShellLogin, scale: number) {
    this.#port = port;
    this.#login = login;
    this.#scale = scale;
    port.on('error', () => {});
    port.on('data', (chunk: Buffer) => {
      this.#recent = (this.#recent + chunk.toString('latin1')).slice(-RECENT);
      for (const look of this.#waits) look();
    });
  }

  /**
   * Types until a shell answers, then starts the responder from it.
   * @param ms how long it may take; a guest that has no shell yet is no error
   * @throws GvmError `login-refused` where it wants a login and refuses it; or the signal's reason
   */
  async startResponder(ms: number, signal?: AbortSignal): Promise<void> {
    const script = readFileSync(RESPONDER);
    const until = monotonic() + ms;
    let tries = 0;
    while (monotonic() < until) {
      if (!LOGIN.test(this.#recent)) {
        await this.#type('\n');
        if (!(await this.#shows(/[^\r\n]$/, PROMPT, signal)) || PASSWORD.test(this.#recent)) continue;
      }
      if (LOGIN.test(this.#recent)) {
        if (++tries > TRIES) throw refused(this.#login.user);
        await this.#logIn(signal);
      } else if (await this.#start(script, signal)) return;
    }
  }

  async #logIn(signal: AbortSignal | undefined): Promise<void> {
    await this.#type(`${this.#login.user}\n`);
    if (!(await this.#shows(PASSWORD, LINE, signal))) return;
    await this.#type(`${passwordOf(this.#login)}\n`);
    await this.#shows(/[#$>] ?$|login: ?$/, LINE, signal);
  }

  async #start(script: Buffer, signal: AbortSignal | undefined): Promise<boolean> {
    const [begin, end] = [mark(), mark()];
    const line = [
      'b=; command -v head >/dev/null 2>&1 || b=busybox',
      'o=$($b stty -g); $b stty raw -echo',
      `$b printf ${begin.typed}; s=$($b head -c ${script.length}); $b stty "$o"; $b printf ${end.typed}`,
      `($b setsid env -i ${ENVIRONMENT} /bin/sh -c "$s" gvm-channel </dev/null >/dev/null 2>&1 &)`,
    ].join('; ');
    await this.#type(`${line}\n`);
    if (!(await this.#shows(begin.shown, LINE, signal))) return false;
    await this.#type(script);
    return await this.#shows(end.shown, SCRIPT, signal);
  }

  /** Forgets what was shown before, which cannot be an answer. */
  async #type(text: string | Buffer): Promise<void> {
    this.#recent = '';
    await new Promise((resolve) => this.#port.write(text, resolve));
  }

  async #shows(pattern: RegExp, ms: number, signal: AbortSignal | undefined): Promise<boolean> {
    const shown = deferred<true>();
    const look = () => {
      if (pattern.test(this.#recent)) shown.resolve(true);
    };
    this.#waits.add(look);
    look();
    try {
      return (await within(shown.promise, ms * this.#scale, signal)) === true;
    } finally {
      this.#waits.delete(look);
    }
  }
}

/** A random word, quoted so that typing it does not show it. */
function mark(): { typed: string; shown: RegExp } {
  const [left, right] = [randomBytes(12).toString('hex'), randomBytes(12).toString('hex')];
  return { typed: `%s ${left}''${right}`, shown: new RegExp(left + right) };
}

function refused(user: string): GvmError {
  return new GvmError({
    code: 'login-refused',
    message: `the guest's console hvc0 does not let ${user} in`,
    hint: 'let a shell of root wait there (agetty --autologin root hvc0), or check user and password-env of machine: login',
  });
}

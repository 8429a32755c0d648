// The requests and answers of the second channel; docs/internals.md describes them, and
// images/openrc/usr/lib/gvm/channel is the other side.
import { constants } from 'node:os';
import type { CommandResult } from '../channel.ts';

export type Exit = Pick<CommandResult, 'exitCode' | 'signal'>;

/** What the responder says on its own port. */
export type Answer = { kind: 'hello' } | { kind: 'ended'; id: number; exit: Exit };

/** Whether a command has input; `direct`: none, and it leaves no process behind that has its output. */
export type InputKind = 'input' | 'none' | 'direct';

/** Most bytes of one piece of a command's input. */
export const MOST_INPUT = 2 ** 16;

const names = new Map(Object.entries(constants.signals).map(([name, number]) => [number as number, name.slice(3)]));

/** The answer in a line; undefined where it is none of this session's. */
export function parseAnswer(line: string, session: string): Answer | undefined {
  const [token, word, ...rest] = line.split(' ');
  if (token !== session) return undefined;
  if (word === 'hello') return { kind: 'hello' };
  const [id, how, status] = rest;
  if (word !== 'ended' || !/^\d+$/.test(id ?? '') || !/^\d{1,3}$/.test(status ?? '')) return undefined;
  const code = Number(status);
  const signal = how === 'signal' && code > 128 ? (names.get(code - 128) ?? String(code - 128)) : null;
  return { kind: 'ended', id: Number(id), exit: { exitCode: signal === null ? code : null, signal } };
}

/** Begins a session; a newline before it ends what may be left of a request that broke off. */
export function helloRequest(session: string): string {
  return `\ngvm-hello ${session}\n`;
}

/** What ends, on the port for input, all that was left there before a session. */
export function inputReset(session: string): string {
  return `\n${session}\n`;
}

/** Runs a command; its text follows. */
export function runRequest(session: string, id: number, script: Buffer, mark: string, input: InputKind): Buffer {
  return Buffer.concat([Buffer.from(`${session} run ${id} ${script.length} ${mark} ${input}\n`), script]);
}

/** A request about the command that runs. */
export function runningRequest(session: string, word: 'kill' | 'cut' | 'done'): string {
  return `${session} ${word}\n`;
}

/** A piece of input; an empty one is its end. */
export function inputPiece(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length}\n`), bytes]);
}

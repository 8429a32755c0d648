import { randomBytes } from 'node:crypto';
import { clip, printable } from '../core/index.ts';
import { GvmError } from '../errors/index.ts';
import type { Channel } from '../guest/index.ts';
import type { Answer, Fact, FactOutput, FactRequest } from './fact.ts';
import { type Frame, parseFrames } from './frame.ts';

/** Linux takes at most 128 KiB in one argument of a program; a command is one. */
const MAX_SCRIPT = 96 * 1024;
const FRAME_ROOM = 64 * 1024;

export interface CollectOptions {
  facts: readonly Fact[];
  channel: Pick<Channel, 'exec'>;
  /** Milliseconds, already scaled. */
  timeout: number;
  signal?: AbortSignal;
}

/** All requests for one fact: they share one fragment. */
interface Group {
  fact: Fact;
  requests: { key: string; args: unknown }[];
}

/**
 * Learns several facts of a guest as one snapshot: their fragments are joined into one POSIX shell script and sent in
 * one round trip (more only where the script would not fit into one argument). Equal requests are asked once.
 * @returns one answer for each request, in order; what could not be learned has diagnostics and no value
 * @throws GvmError of the channel
 */
export async function collect(requests: readonly FactRequest[], options: CollectOptions): Promise<Answer[]> {
  const groups = new Map<string, Group>();
  const keys = requests.map((request) => {
    const fact = options.facts.find((f) => f.name === request.fact);
    if (!fact) throw new GvmError({ code: 'internal', message: `no fact is named ${request.fact}` });
    const group = groups.get(fact.name) ?? { fact, requests: [] };
    groups.set(fact.name, group);
    const key = `${fact.name} ${JSON.stringify(request.args)}`;
    if (!group.requests.some((r) => r.key === key)) group.requests.push({ key, args: fact.args.parse(request.args) });
    return key;
  });
  const answers = new Map<string, Answer>();
  for (const trip of roundTrips([...groups.values()])) {
    const found = await ask(trip, options);
    for (const [i, group] of trip.entries()) {
      for (const [j, { key }] of group.requests.entries()) {
        const answer = found[i]?.[j];
        if (answer) answers.set(key, answer);
      }
    }
  }
  return keys.map((key) => answers.get(key) ?? { diagnostics: ['the fact gave no answer'] });
}

/** The groups, cut into scripts that fit into one argument. */
function roundTrips(groups: readonly Group[]): Group[][] {
  if (groups.length === 0) return [];
  if (Buffer.byteLength(scriptOf(groups, '0'.repeat(32))) <= MAX_SCRIPT) return [[...groups]];
  const [first, ...rest] = groups as [Group, ...Group[]];
  if (rest.length > 0) return [...roundTrips([first]), ...roundTrips(rest)];
  const middle = Math.ceil(first.requests.length / 2);
  if (middle === first.requests.length) return [[first]];
  return [
    ...roundTrips([{ fact: first.fact, requests: first.requests.slice(0, middle) }]),
    ...roundTrips([{ fact: first.fact, requests: first.requests.slice(middle) }]),
  ];
}

const argsOf = (group: Group): unknown[] => group.requests.map((r) => r.args);

async function ask(groups: readonly Group[], options: CollectOptions): Promise<Answer[][]> {
  const mark = randomBytes(16).toString('hex');
  const limits = groups.map((g) => g.fact.limit(argsOf(g)));
  const result = await options.channel.exec(scriptOf(groups, mark), {
    timeout: options.timeout,
    direct: true,
    maxOutput: limits.reduce((a, b) => a + b, FRAME_ROOM),
    ...(options.signal ? { signal: options.signal } : {}),
  });
  const stdout = parseFrames(result.stdout, mark, groups.length);
  const stderr = parseFrames(result.stderr, mark, groups.length);
  return groups.map((group, i) => {
    const frame = stdout.broken === undefined ? stdout.frames[i] : undefined;
    const said = sayings(stderr.frames[i]);
    if (!frame) {
      const why = stdout.broken ?? missing(result.truncated, result.exitCode, result.signal);
      return unanswered(group, `the answer to the fact "${group.fact.name}" ${why}${said && `; it said: ${said}`}`);
    }
    const bytes = frame.parts.reduce((sum, part) => sum + part.data.length, 0);
    const limit = limits[i] ?? 0;
    if (bytes > limit)
      return unanswered(group, `the fact "${group.fact.name}" printed ${bytes} bytes; ${limit} are read`);
    return interpret(group, { parts: frame.parts, stderr: said, status: frame.status });
  });
}

/** Parses one fact's output; every answer is held against the fact's schema, and a failing fragment is named. */
function interpret(group: Group, output: FactOutput): Answer[] {
  const { fact } = group;
  const failed =
    output.status === 0
      ? []
      : [`the fact "${fact.name}" ended with status ${output.status}${output.stderr && `: ${output.stderr}`}`];
  return fact.parse(output, argsOf(group)).map((answer) => {
    const diagnostics = [...failed, ...answer.diagnostics];
    if (answer.value === undefined) {
      const said = output.stderr && failed.length === 0 ? [`the guest said: ${output.stderr}`] : [];
      return { diagnostics: [...diagnostics, ...said] };
    }
    const checked = fact.schema.safeParse(answer.value);
    if (checked.success) return { value: checked.data, diagnostics };
    const issue = checked.error.issues[0];
    return {
      diagnostics: [...diagnostics, `the fact "${fact.name}": ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`],
    };
  });
}

function unanswered(group: Group, diagnostic: string): Answer[] {
  return group.requests.map(() => ({ diagnostics: [diagnostic] }));
}

function missing(truncated: boolean, exitCode: number | null, signal: string | null): string {
  if (truncated) return 'was cut off: the facts before it printed too much';
  const how = exitCode === null ? `was ended by ${signal ?? 'an unknown cause'}` : `ended with status ${exitCode}`;
  return `did not come; the shell of the guest ${how}`;
}

function sayings(frame: Frame | undefined): string {
  const text = frame?.parts.map((part) => part.data.toString('utf8')).join('\n') ?? '';
  return clip(printable(text.trim()), 500);
}

/**
 * The script for a round trip. Between begin and end each fragment has a subshell of its own; both output streams
 * carry the marks, so that a complaint is told apart by fact. No program is started beyond those of the fragments.
 */
function scriptOf(groups: readonly Group[], mark: string): string {
  const lines = [
    'LC_ALL=C; PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin; export LC_ALL PATH; unset IFS ENV CDPATH',
    'exec </dev/null',
    `say() { echo; echo "@${mark} $*"; }`,
    'part() { say part "$1"; }',
    'begin() { say begin "$1"; say begin "$1" >&2; }',
    'end() { say end "$1" "$2"; say end "$1" "$2" >&2; }',
  ];
  for (const [i, group] of groups.entries()) {
    lines.push(`begin ${i}`, '(', group.fact.fragment(argsOf(group)), ')', `end ${i} $?`);
  }
  lines.push('exit 0', '');
  return lines.join('\n');
}

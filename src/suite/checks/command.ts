import { z } from 'zod';
import { shellQuote } from '../../core/index.ts';
import { isGvmError } from '../../errors/index.ts';
import { duration } from '../../schema/index.ts';
import type { ActiveCheck, Finding } from '../check.ts';
import type { Expectations } from '../matchers/expectations.ts';
import { judgeKeys } from './keys.ts';

const MAX_OUTPUT = 2 ** 20;
/** How much of each stream goes into the run's record: its end, where complaints stand. */
const RECORDED = 4000;

const schema = (expect: Expectations) =>
  z.strictObject({
    run: z
      .string()
      .min(1)
      .refine((run) => !run.includes('\0'), 'a command holds no NUL character'),
    exit: expect.number.optional().meta({ description: 'the exit code; 0 where it is not given' }),
    stdout: expect.text.optional(),
    stderr: expect.text.optional(),
    env: z.record(z.string().regex(/^[A-Za-z_]\w*$/, 'expected the name of a variable'), z.string()).optional(),
    timeout: duration.optional().meta({ description: 'ends the command; otherwise the time left of the test does' }),
  });

type Declaration = z.output<ReturnType<typeof schema>>;

export const commandCheck: ActiveCheck<Declaration> = {
  name: 'command',
  description: 'a command run under /bin/sh -c without input, after the facts of the test were taken',
  subject: 'run',
  bare: 'a command alone asks that it exits with 0',
  schema,
  label: (d) => d.run,

  async evaluate(d, context) {
    const own = d.timeout === undefined ? Number.POSITIVE_INFINITY : Math.ceil(d.timeout * context.scale);
    const limit = Math.max(1, Math.min(context.remaining(), own));
    const exports = Object.entries(d.env ?? {}).map(([name, value]) => `export ${name}=${shellQuote(value)}\n`);
    const started = performance.now();
    const result = await context.channel
      .exec(exports.join('') + d.run, { timeout: limit, signal: context.signal, maxOutput: MAX_OUTPUT })
      .catch((error: unknown) => {
        if (isGvmError(error) && error.code === 'deadline') return undefined;
        throw error;
      });
    if (!result) {
      const durationMs = performance.now() - started;
      const message = `did not end within ${limit} ms`;
      return {
        findings: [
          {
            path: d.timeout === undefined ? [] : ['timeout'],
            message,
            expected: `ends within ${limit} ms`,
          },
        ],
        commands: [{ run: d.run, exitCode: null, durationMs, stdout: '', stderr: '' }],
        timedOut: true,
      };
    }
    const stdout = result.stdout.toString('utf8');
    const stderr = result.stderr.toString('utf8');
    return {
      findings: judge(d, { ...result, stdout, stderr }, context.compare),
      commands: [
        {
          run: d.run,
          exitCode: result.exitCode,
          durationMs: result.durationMs,
          stdout: stdout.slice(-RECORDED),
          stderr: stderr.slice(-RECORDED),
        },
      ],
      timedOut: false,
    };
  },
};

interface Output {
  exitCode: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
  truncated: boolean;
}

function judge(d: Declaration, result: Output, compare: Parameters<typeof judgeKeys>[2]): Finding[] {
  const { exitCode, signal, truncated } = result;
  const cut = (text: string) => (truncated ? undefined : text);
  const findings = judgeKeys(
    { ...d, exit: d.exit ?? 0 },
    {
      exit: ['number', exitCode ?? `signal ${signal}`],
      stdout: ['text', cut(result.stdout)],
      stderr: ['text', cut(result.stderr)],
    },
    compare,
  );
  const said = result.stderr.trim() || result.stdout.trim();
  return findings.map((f) => {
    if (f.actual === undefined)
      return { ...f, message: `${f.message}: the command printed more than ${MAX_OUTPUT} bytes` };
    if (f.path[0] !== 'exit' || said === '') return f;
    return {
      ...f,
      path: d.exit === undefined ? ['run'] : f.path,
      message: `${f.message}; it said: ${said.slice(-500)}`,
    };
  });
}

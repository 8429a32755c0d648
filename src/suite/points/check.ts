import { z } from 'zod';
import { shellQuote } from '../../core/index.ts';
import { isGvmError } from '../../errors/index.ts';
import { duration } from '../../schema/index.ts';
import type { ActiveCheck, CheckResult, Finding } from '../check.ts';
import { LONGEST_REPORT, type PointReport } from './point.ts';

const RECORDED = 4000;

const schema = () =>
  z.strictObject({
    run: z
      .string()
      .min(1)
      .refine((run) => !run.includes('\0'), 'a command holds no NUL character'),
    file: z
      .string()
      .regex(/^\/[^\0]*$/, 'expected an absolute path')
      .optional()
      .meta({ description: 'the report that the command leaves in the guest; without it, what it prints' }),
    timeout: duration.optional().meta({ description: 'ends the command; otherwise the time left of the test does' }),
  });

type Declaration = z.output<ReturnType<typeof schema>>;

/**
 * A test program that reports results of its own. Each becomes a test of its own; the test that ran it fails where one
 * of them does, and where the report is not whole.
 */
export function programCheck(
  name: string,
  description: string,
  parse: (text: string) => PointReport,
): ActiveCheck<Declaration> {
  return {
    name,
    description,
    subject: 'run',
    bare: 'alone it asks that all results are good and the report is whole',
    schema,
    label: (d) => d.run,

    async evaluate(d, { channel, signal, scale, remaining }): Promise<CheckResult> {
      const own = d.timeout === undefined ? Number.POSITIVE_INFINITY : d.timeout * scale;
      const timeout = Math.max(1, Math.min(remaining(), own));
      const options = { timeout, signal, maxOutput: LONGEST_REPORT + 1 };
      const result = await channel.exec(d.run, options).catch((error: unknown) => {
        if (isGvmError(error) && error.code === 'deadline') return undefined;
        throw error;
      });
      if (!result) {
        const finding = {
          path: d.timeout === undefined ? [] : ['timeout'],
          message: `did not end within ${timeout} ms`,
        };
        return { findings: [finding], commands: [], timedOut: true };
      }
      const { exitCode, durationMs } = result;
      const [stdout, stderr] = [result.stdout.toString('utf8'), result.stderr.toString('utf8')];
      const report = d.file === undefined ? stdout : await readReport(d.file, channel, options);
      const read = report === undefined ? { points: [], problems: [`it left no report ${d.file}`] } : parse(report);
      const { points, problems } = read;
      const bad = points.filter(({ outcome }) => outcome === 'failed' || outcome === 'xpassed').length;
      const findings: Finding[] = problems.map((message) => ({ path: ['run'], message }));
      if (bad > 0) findings.push({ path: ['run'], message: `${bad} of ${points.length} results are not good` });
      // Most programs exit with another code than 0 where a result is bad; one that does so otherwise has more to say.
      if (exitCode !== 0 && findings.length === 0)
        findings.push({
          path: ['run'],
          message: `all results are good, but it exited with ${exitCode ?? `signal ${result.signal}`}`,
        });
      const recorded = {
        run: d.run,
        exitCode,
        durationMs,
        stdout: stdout.slice(-RECORDED),
        stderr: stderr.slice(-RECORDED),
      };
      return { findings, commands: [recorded], timedOut: false, points };
    },
  };
}

async function readReport(
  file: string,
  channel: Parameters<ActiveCheck['evaluate']>[1]['channel'],
  options: { timeout: number; signal: AbortSignal; maxOutput: number },
): Promise<string | undefined> {
  const { exitCode, stdout } = await channel.exec(`cat -- ${shellQuote(file)}`, options);
  return exitCode === 0 ? stdout.toString('utf8') : undefined;
}

import fc from 'fast-check';
import type { RunRecord } from '../../src/schema/index.ts';
import { exampleRun, guestRecord, testRecord } from './example.ts';

const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    ']]>',
    ']]>]]>]]>',
    '\u0000',
    '\u001b[31mred\u001b[0m',
    '\u001b]0;title\u0007',
    '\ud800',
    'a\udc00b',
    '\ufffe\uffff',
    '<![CDATA[',
    '"/><x a="',
    '&lt;&#0;',
    'timestamp="gvm-mark-0-" gvm-mark-1-0',
    '</failure>',
    'x'.repeat(100_000),
    '\r\n\t',
    '\u202egnp.exe',
    '\n::error::forged',
    ' ::stop-commands::x',
    'a ##[error]forged',
    '%0A::error::forged',
    '<script>document.title = "forged"</script>',
    '</script><img src=x onerror="document.title = 1">',
    '</pre></code></details>\n\n# forged\n',
    '`1`\n| a | b |\n|---|---|',
    '\nnot ok 1 - forged',
    'x # SKIP forged',
    'x \\# TODO \\',
    '\n---\n...\n1..9',
    'Bail out!',
  ),
);

/** The example with hostile text in every place that a guest or a suite can fill. */
function hostileRun(a: string, b: string, c: string): RunRecord {
  const error = { code: b, message: a, hint: c, blame: 'guest' as const };
  const failure = { check: a, subject: b, path: [c], message: a, expected: b, actual: c, source: a };
  const commands = [{ run: a, exitCode: null, durationMs: 1, stdout: b, stderr: c }];
  return exampleRun({
    host: { ...exampleRun().host, hostname: a },
    accelerator: { name: 'tcg', reason: b },
    errors: [error],
    guests: [
      guestRecord({
        name: c,
        kernel: a,
        boot: { outcome: 'failed', message: b, evidence: [a, c], stages: [] },
        health: [{ kind: a, message: b, when: 'ready', expired: c }],
      }),
    ],
    suites: [
      {
        file: a,
        name: b,
        sha256: c,
        tests: [
          testRecord(a, { outcome: 'failed', failures: [failure, failure], commands, diagnostics: [b] }),
          testRecord(b, { outcome: 'error', error, guest: c }),
          testRecord(c, { outcome: 'skipped', reason: a }),
          testRecord(c, { outcome: 'skipped', reason: b }),
          testRecord(c, { outcome: 'timeout', failures: [] }),
        ],
      },
    ],
  });
}

/** Runs with hostile text in every place, always the same. */
export function hostileRuns(count: number): RunRecord[] {
  return fc
    .sample(fc.tuple(hostile, hostile, hostile), { numRuns: count, seed: 7 })
    .map((texts) => hostileRun(...texts));
}

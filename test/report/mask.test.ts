import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  chooseReporters,
  createMask,
  publishConsole,
  reporters,
  secretsIn,
  writeReports,
} from '../../src/report/index.ts';
import { exampleRun, guestRecord, testRecord } from './example.ts';

const keys = [
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
  opensshKey(),
];

function opensshKey(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gvm-key-'));
  try {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')]);
    return readFileSync(join(folder, 'key'), 'utf8');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The lines of a key that hold it. */
const bodyOf = (key: string) => key.split('\n').filter((line) => line.length > 20 && !line.startsWith('-----'));

const secret = 'p4ss"wört<&>\\/ +%\'$x';
const mask = createMask([secret]);

const forms: [string, string][] = [
  ['as it is', secret],
  ['JSON', JSON.stringify({ a: secret })],
  ['JSON in JSON', JSON.stringify(JSON.stringify({ a: secret }))],
  ['a URL', `https://host/?q=${encodeURIComponent(secret)}`],
  ['a URL in small letters', encodeURIComponent(secret).replaceAll(/%../g, (code) => code.toLowerCase())],
  ['a form', new URLSearchParams({ secret }).toString()],
  ['XML', secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')],
  ['a shell word', `'${secret.replaceAll("'", "'\\''")}'`],
  ['hexadecimal', Buffer.from(secret).toString('hex')],
  ...[0, 1, 2, 3].flatMap((before): [string, string][] => {
    const around = Buffer.from(`${'.'.repeat(before)}${secret}…`);
    return [
      [`base64 behind ${before}`, around.toString('base64')],
      [`base64url behind ${before}`, around.toString('base64url')],
      [`wrapped base64 behind ${before}`, around.toString('base64').replaceAll(/.{10}/g, '$&\n')],
    ];
  }),
];

test.each(forms)('a secret written as %s is masked', (_, text) => {
  const masked = mask.text(`before ${text} after`);
  expect(masked).toContain('[masked]');
  expect(masked.length).toBeLessThan(text.length + 14);
  for (const length of [6, 8, 12]) {
    for (let at = 0; at + length <= secret.length; at++) expect(masked).not.toContain(secret.slice(at, at + length));
  }
  expect(mask.text(masked)).toBe(masked);
});

test('a secret that was cut in two is masked where a text begins or ends', () => {
  const long = createMask(['0123456789abcdef']);
  expect(long.text('6789abcdef and more')).toBe('[masked] and more');
  expect(long.text('said 0123456789')).toBe('said [masked]');
  expect(long.text('said 0123456789a… (9 more characters)')).toBe('said [masked]… (9 more characters)');
  expect(long.text('cdef and 0123')).toBe('cdef and 0123');
});

test.each(keys.map((key) => [key.split('\n')[0], key] as const))('%s goes by itself', (_, key) => {
  const nothing = createMask([]);
  const whole = [
    `a ${key} b`,
    JSON.stringify({ key }),
    key.replaceAll('\n', '\r\n'),
    `x ${encodeURIComponent(key)}`,
    Buffer.from(key).toString('base64'),
    Buffer.from(key).toString('base64').replaceAll(/.{76}/g, '$&\n'),
    key
      .split('\n')
      .map((line, i) => `[    ${i}.123] ${line}`)
      .join('\n'),
    `    1.622 ${key.slice(0, 150).replaceAll('\n', '\n    1.702 [    0.123] ')}`,
    key.slice(0, 150),
    key.slice(60),
  ];
  for (const text of whole) {
    const masked = nothing.text(text);
    expect(masked).toContain('[masked]');
    for (const line of bodyOf(key)) {
      for (const piece of [line.slice(0, 24), Buffer.from(line).toString('base64').slice(2, 30)])
        expect(masked, text).not.toContain(piece);
    }
  }
  expect(nothing.text(`a ${key}b`)).toBe('a [masked]\nb');
});

test('a key whose lines stand in a list of texts is masked in each of them, what follows is not', () => {
  const [, , key = ''] = keys;
  const lines = [
    'before',
    ...key
      .trim()
      .split('\n')
      .map((line) => `[   12.345] ${line}`),
    'after',
  ];
  const masked = createMask([]).value({ evidence: lines }).evidence;
  expect([masked[0], masked.at(-1)]).toEqual(['before', 'after']);
  expect(masked).toHaveLength(lines.length);
  for (const line of bodyOf(key)) expect(masked.join('\n')).not.toContain(line);
  expect(createMask([]).value(['-----BEGIN PRIVATE KEY-----', 'Kernel panic: not a key', 'x'])).toEqual([
    '[masked]',
    'Kernel panic: not a key',
    'x',
  ]);
});

test.each([
  'root:$6$saltsalt$0NsZ3B6ErG4.abcdefghijklmnopqrstuvwxyz:19000:0:99999:7:::',
  'root:$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7:19000::::::',
  'user:$2b$12$KIXQJ8zH1Yx8uZxEr5Yh1uJd0tO0v7bYlQvVqN3sQb8XxY5f0aB2W:1::::::',
  'old:ab01FAX.bQRSU:12000:0:::::',
  'https://me:hunter2hunter@host/path',
])('%s is masked by its looks', (text) => {
  const masked = createMask([]).text(text);
  expect(masked).toContain('[masked]');
  expect(masked).not.toMatch(/0NsZ3B6|F5Jx5f|X3DX6M|KIXQJ8|ab01FAX|hunter2/);
  expect(masked.split(':').length).toBe(text.split(':').length);
});

test('what is no secret stays', () => {
  const texts = [
    'root:x:0:0:root:/root:/bin/bash',
    'root:!*:19000:0:99999:7:::',
    'file:/etc/passwd:12',
    '$1 $2 and $5',
    '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
    'http://127.0.0.1:8080/a@b',
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample root@host',
  ];
  for (const text of texts) expect(createMask(['abc', '']).text(text)).toBe(text);
});

test('no text makes masking slow', () => {
  const started = performance.now();
  for (const piece of [
    '-----BEGIN PRIVATE KEY-----',
    '-----END PRIVATE KEY-----',
    'LS0tLS1CRUdJTi\n',
    '$6$',
    'a://b:',
    'A\n',
  ])
    mask.text(piece.repeat(2 ** 20 / piece.length));
  expect(performance.now() - started).toBeLessThan(10_000);
});

test('of any secrets none is left in any text', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ minLength: 4, maxLength: 20 }), { minLength: 1, maxLength: 3 }),
      fc.string(),
      fc.nat(3),
      (secrets, text, at) => {
        const [first = ''] = secrets;
        fc.pre(!'[masked]'.includes(first) && !first.includes('[masked]'));
        const masked = createMask(secrets).text(text.slice(0, at) + first + text.slice(at));
        expect(masked.split('[masked]').some((piece) => piece.includes(first))).toBe(false);
      },
    ),
  );
}, 30_000);

test('variables are secret by their names', () => {
  const environment = {
    GVM_PASSWORD: 'one-secret',
    API_KEY: 'two-secret',
    GITHUB_TOKEN: 'three-secret',
    SSH_KEY_FILE: 'not-this',
    NPM_TOKEN: 'true',
    MY_KEY: '/home/me/key',
    KEYBOARD: 'de-latin1',
    MONKEY: 'banana',
    PATH: '/bin',
  };
  expect(secretsIn(environment)).toEqual(['one-secret', 'two-secret', 'three-secret']);
});

test('a secret that comes in on any way is in no report, in no form', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gvm-mask-'));
  try {
    const planted = {
      environment: 'Env!Secret-1 %',
      output: 'Out&Secret-2 %',
      console: 'Con<Secret-3 %',
      file: 'File"Secret-4 %',
      variable: 'Var\\Secret-5 %',
      error: "Err'Secret-6 %",
    };
    const secrets = Object.values(planted);
    const all = (value: string) =>
      [value, Buffer.from(`u:${value}`).toString('base64'), encodeURIComponent(value), JSON.stringify(value)].join(' ');
    const [, , key = ''] = keys;
    const shadow = 'root:$6$saltsalt$0NsZ3B6ErG4abcdefghijk:1:::';
    const secretMask = createMask(secrets);
    writeFileSync(join(folder, 'log'), `login ${all(planted.console)}\n${key}\n${shadow}\n`);
    const console = await publishConsole(join(folder, 'log'), 'boot-1', join(folder, 'reports'), secretMask);
    const run = exampleRun({
      environment: { GVM_NAME: all(planted.environment) },
      args: ['test', '--append', all(planted.variable)],
      errors: [{ code: 'x', message: all(planted.error), hint: all(planted.error), blame: 'host' }],
      guests: [
        guestRecord({
          console,
          argv: ['qemu', all(planted.variable)],
          boot: {
            outcome: 'failed',
            message: all(planted.error),
            evidence: [all(planted.console), ...key.split('\n')],
            stages: [],
          },
        }),
      ],
      suites: [
        {
          file: 's',
          name: 'boot',
          sha256: '',
          tests: [
            testRecord(`named ${all(planted.variable)}`, {
              outcome: 'failed',
              failures: [
                {
                  check: 'file',
                  subject: '/etc/secret',
                  path: [],
                  message: all(planted.file),
                  expected: all(planted.variable),
                  actual: `${all(planted.file)}\n${key}${shadow}`,
                  source: all(planted.variable),
                },
              ],
              commands: [
                {
                  run: `login ${planted.variable}`,
                  exitCode: 1,
                  durationMs: 1,
                  stdout: all(planted.output),
                  stderr: `${shadow}\n${key}`,
                },
              ],
              diagnostics: [all(planted.output)],
            }),
          ],
        },
      ],
    });
    const printed: string[] = [];
    const paths = await writeReports(run, {
      folder: join(folder, 'reports'),
      reporters: chooseReporters(reporters.map(({ name }) => name).join(',')),
      secrets,
      stepSummary: join(folder, 'reports', 'summary.md'),
      print: (text) => printed.push(text),
    });
    expect(paths).toHaveLength(4);
    const texts = readdirSync(join(folder, 'reports'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath ?? entry.path, entry.name), 'utf8'));
    expect(texts).toHaveLength(6);
    for (const text of [...texts, printed.join('')]) {
      expect(text).toMatch(/\[masked\]|&#91;masked&#93;/);
      expect(text).not.toMatch(/Secret-\d/);
      expect(text).not.toMatch(/U2VjcmV0L|NlY3JldC|TZWNyZXQt/);
      expect(text).not.toContain('0NsZ3B6');
      for (const line of bodyOf(key)) expect(text).not.toContain(line.slice(0, 30));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

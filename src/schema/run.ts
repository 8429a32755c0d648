import { z } from 'zod';

// The run manifest: everything that every report says is computed from this one document (design §6).

/** A place in a suite, as reports show it: the file relative to the working directory, counted from 1. */
const positionSchema = z.object({ file: z.string(), line: z.int().min(1), column: z.int().min(1) });

const ms = z.number().min(0);

export const outcomeSchema = z
  .enum(['passed', 'failed', 'flaky', 'error', 'timeout', 'skipped', 'xfailed', 'xpassed'])
  .meta({ description: 'what became of a test (design §6)' });

export const blameSchema = z
  .enum(['guest', 'host', 'unknown'])
  .meta({ description: 'who is at fault, by evidence; unknown counts as guest' });

export const stageSchema = z.enum([
  'qemu',
  'firmware',
  'loader',
  'kernel',
  'initrd',
  'init',
  'network',
  'ssh',
  'suite',
  'shutdown',
]);

const runReferenceSchema = z.object({ id: z.string(), started: z.iso.datetime() });

/** What earlier runs of the same tests say of a failure. */
const testHistorySchema = z.object({
  status: z.enum(['new', 'known']),
  since: runReferenceSchema.meta({ description: 'new: the last run that passed it; known: the first that did not' }),
});

/** One thing that was not as expected. */
export const failureSchema = z.object({
  check: z.string().meta({ description: 'the kind of check, or "health"' }),
  subject: z.string().optional().meta({ description: 'what was checked: a path, a service, a command' }),
  path: z
    .array(z.union([z.string(), z.int()]))
    .meta({ description: 'the failing key, from the root of the suite document' }),
  position: positionSchema.optional(),
  message: z.string(),
  expected: z.string().optional(),
  actual: z.string().optional(),
  source: z.string().optional().meta({ description: 'the line of the suite at the position' }),
});

export const runErrorSchema = z.object({
  code: z.string(),
  message: z.string(),
  hint: z.string().optional(),
  blame: blameSchema,
  notes: z.array(z.string()).optional().meta({ description: 'what the powered-off disk of a dead guest showed' }),
});

/** A try at a test that another one followed. */
const attemptSchema = z.object({
  outcome: z.enum(['failed', 'error', 'timeout']),
  durationMs: ms,
  guest: z.string().optional(),
  failures: z.array(failureSchema),
  error: runErrorSchema.optional(),
});

export const testRecordSchema = z.object({
  id: z.string(),
  name: z.string(),
  role: z.enum(['setup', 'teardown']).optional().meta({ description: 'what is no test of its own' }),
  tags: z.array(z.string()),
  position: positionSchema,
  outcome: outcomeSchema,
  started: z.iso.datetime().optional(),
  durationMs: ms,
  guest: z.string().optional().meta({ description: 'the name of the guest that ran it, or died before' }),
  failures: z.array(failureSchema),
  known: z.array(failureSchema).optional().meta({ description: 'failures that an xfail covers' }),
  skippedChecks: z
    .array(
      z.object({ check: z.string(), subject: z.string().optional(), position: positionSchema, reason: z.string() }),
    )
    .optional()
    .meta({ description: 'checks of the test that were not run' }),
  reason: z.string().optional().meta({ description: 'why it was skipped, or is known to fail' }),
  error: runErrorSchema.optional(),
  commands: z.array(
    z.object({
      run: z.string(),
      exitCode: z.int().nullable(),
      durationMs: ms,
      stdout: z.string().meta({ description: 'the end of it, at most 4000 characters' }),
      stderr: z.string().meta({ description: 'the end of it, at most 4000 characters' }),
    }),
  ),
  diagnostics: z.array(z.string()).meta({ description: 'malformed or missing answers of the guest' }),
  retries: z.int().min(0).meta({ description: 'how often it was tried again' }),
  attempts: z.array(attemptSchema).optional().meta({ description: 'the tries before the one that counts, in order' }),
  hostErrors: z.array(attemptSchema).optional().meta({
    description: 'tries that the host has spoiled, in order; they are no retries, and say nothing of the test',
  }),
  history: testHistorySchema.optional().meta({ description: 'of a failure, where earlier runs are known' }),
});

/** One combination of a matrix. */
const cellSchema = z.object({
  name: z.string().meta({ description: 'its values in short' }),
  suite: z.string().meta({ description: 'the name of the suite without that of the cell' }),
  values: z.record(z.string(), z.string()).meta({ description: 'the value of each axis' }),
});

export const suiteRecordSchema = z.object({
  file: z.string(),
  name: z.string(),
  sha256: z.string(),
  cell: cellSchema.optional().meta({ description: 'where the run has a matrix' }),
  disk: z.string().optional().meta({ description: 'the powered-off disk that answered it, where no guest ran' }),
  tests: z.array(testRecordSchema),
});

/** Something wrong with a guest that nobody asked about: an oops on the console, a crashed service, taint. */
export const healthFindingSchema = z.object({
  kind: z.string(),
  message: z.string(),
  when: z.enum(['ready', 'release']).meta({ description: 'at which of the two looks it was found' }),
  atMs: ms.optional().meta({ description: 'for a console line: time since QEMU started' }),
  allowed: z.string().optional().meta({ description: 'the reason of the allow-list entry that covers it' }),
  expired: z.string().optional().meta({ description: 'the last day of an entry that would have covered it' }),
});

export const bootRecordSchema = z.object({
  outcome: z.enum(['ready', 'failed', 'timeout', 'cancelled']),
  stage: stageSchema.optional().meta({ description: 'where it died, or the last one reached' }),
  cause: z.string().optional(),
  blame: blameSchema.optional(),
  message: z.string().optional(),
  evidence: z.array(z.string()).optional().meta({ description: 'the console lines that show the cause' }),
  screen: z.array(z.string()).optional().meta({ description: 'what its screen showed, where that was in text mode' }),
  traceMs: ms.optional().meta({ description: 'when the last line of the evidence came, from the start of QEMU' }),
  diedMs: ms.optional().meta({ description: 'when it was given up, from the start of QEMU' }),
  sshMs: ms.optional().meta({ description: 'from the start of QEMU to the first answered command' }),
  readyMs: ms.optional().meta({ description: 'from the start of QEMU until init had settled as well' }),
  stages: z.array(z.object({ stage: stageSchema, atMs: ms })),
});

/** A boot after the first: asked for by a step of a test. */
export const rebootRecordSchema = bootRecordSchema.extend({
  how: z.enum(['reboot', 'crash']).meta({ description: 'the guest rebooted itself, or lost its power' }),
  beganMs: ms.meta({ description: 'from the first start of QEMU to this reset; the other times count from the reset' }),
});

/** What the powered-off disk of a guest that died shows. */
const postMortemSchema = z.object({
  findings: z.array(z.string()).meta({ description: 'what is wrong with it, the likeliest cause first' }),
  logs: z
    .array(z.object({ source: z.string(), lines: z.array(z.string()) }))
    .meta({ description: 'the last lines of what was logged in this boot' }),
});

export const guestRecordSchema = z.object({
  name: z.string(),
  image: z.object({
    name: z.string(),
    digest: z.string(),
    packages: z
      .record(z.string(), z.string())
      .optional()
      .meta({ description: 'name and version of what the image was built of, where the store knows' }),
  }),
  machine: z.record(z.string(), z.unknown()).meta({ description: 'the machine with all layers applied' }),
  cell: z.string().optional().meta({ description: 'the name of the cell of the matrix' }),
  argv: z.array(z.string()),
  kernel: z.string().optional().meta({ description: 'the release that the guest reports' }),
  kernelGiven: z
    .object({ source: z.string(), digest: z.string(), release: z.string().optional() })
    .optional()
    .meta({ description: 'a kernel that was brought along: its file, the SHA-256 of its image, its release' }),
  checkpoint: z.string().optional().meta({ description: 'the checkpoint that it went on from instead of booting' }),
  boot: bootRecordSchema,
  reboots: z.array(rebootRecordSchema).optional().meta({ description: 'the boots after the first, in order' }),
  console: z.string().optional().meta({ description: 'the console log, relative to the output folder' }),
  replaced: z.literal(true).optional().meta({ description: 'a retry booted another one in its place' }),
  picture: z
    .string()
    .optional()
    .meta({ description: 'a picture of the screen of a boot that died (PNG), relative to the output folder' }),
  kept: z.string().optional().meta({ description: 'the command that leads back into a kept guest' }),
  postMortem: postMortemSchema.optional().meta({ description: 'of a guest that died' }),
  health: z.array(healthFindingSchema),
});

/** A disk that was read without a guest. */
const diskRecordSchema = z.object({
  name: z.string(),
  digest: z.string(),
  layers: z.array(z.object({ path: z.string(), format: z.string() })).meta({ description: 'its files, top first' }),
  diagnostics: z.array(z.string()).meta({ description: 'what is wrong with it' }),
});

export const totalsSchema = z.object({
  tests: z.int(),
  passed: z.int(),
  failed: z.int(),
  flaky: z.int(),
  error: z.int(),
  timeout: z.int(),
  skipped: z.int(),
  xfailed: z.int(),
  xpassed: z.int(),
  health: z.int().meta({ description: 'health findings that no allow-list entry covers' }),
});

export const runSchema = z
  .object({
    version: z.literal(1),
    gvm: z.string().meta({ description: 'version of gvm' }),
    id: z.string(),
    started: z.iso.datetime(),
    durationMs: ms,
    args: z.array(z.string()).meta({ description: 'the arguments of the command line' }),
    directory: z
      .string()
      .optional()
      .meta({ description: 'the working directory, relative to the root of the repository; absent there' }),
    environment: z.record(z.string(), z.string()).meta({ description: 'recorded by an allow-list of names' }),
    host: z.object({
      hostname: z.string(),
      os: z.string(),
      arch: z.string(),
      cpus: z.int(),
      memory: z.number().meta({ description: 'bytes' }),
      node: z.string(),
    }),
    accelerator: z.object({ name: z.enum(['kvm', 'tcg']), reason: z.string() }).optional(),
    qemu: z.object({ version: z.string(), path: z.string() }).optional(),
    guests: z.array(guestRecordSchema),
    disks: z.array(diskRecordSchema).optional().meta({ description: 'of a run with --offline: what was read' }),
    suites: z.array(suiteRecordSchema),
    errors: z.array(runErrorSchema).meta({ description: 'what went wrong outside of any test' }),
    totals: totalsSchema,
    history: z
      .object({
        good: runReferenceSchema.meta({ description: 'the last run that passed what fails now' }),
        changes: z.array(z.object({ what: z.string(), before: z.string(), now: z.string() })),
      })
      .optional()
      .meta({ description: 'what is different since the last good run' }),
    seed: z.int().optional().meta({ description: 'of a random order' }),
    shard: z
      .object({
        index: z.int().min(1),
        total: z.int().min(1),
        plan: z.string().meta({ description: 'the digest of the whole plan; shards of one plan have the same' }),
        tests: z
          .array(z.string())
          .meta({ description: 'the ids of all tests of the whole plan, setups and teardowns too, in order' }),
      })
      .optional()
      .meta({ description: 'of a run with --shard' }),
    parts: z
      .array(z.object({ ...runReferenceSchema.shape, hostname: z.string(), exitCode: z.int() }))
      .optional()
      .meta({ description: 'the runs that were merged into this one' }),
    interrupted: z.enum(['SIGINT', 'SIGTERM']).optional(),
    exitCode: z.int(),
  })
  .meta({ title: 'gvm run', description: 'what one run did and found; every report is a function of it' });

export type Outcome = z.output<typeof outcomeSchema>;
export type Blame = z.output<typeof blameSchema>;
export type Stage = z.output<typeof stageSchema>;
export type Failure = z.output<typeof failureSchema>;
export type RunError = z.output<typeof runErrorSchema>;
export type TestRecord = z.output<typeof testRecordSchema>;
export type Attempt = z.output<typeof attemptSchema>;
export type SuiteRecord = z.output<typeof suiteRecordSchema>;
export type HealthFinding = z.output<typeof healthFindingSchema>;
export type BootRecord = z.output<typeof bootRecordSchema>;
export type RebootRecord = z.output<typeof rebootRecordSchema>;
export type GuestRecord = z.output<typeof guestRecordSchema>;
export type DiskRecord = z.output<typeof diskRecordSchema>;
export type RunReference = z.output<typeof runReferenceSchema>;
export type Totals = z.output<typeof totalsSchema>;
export type RunRecord = z.output<typeof runSchema>;

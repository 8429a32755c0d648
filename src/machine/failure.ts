import { clip, printable } from '../core/index.ts';
import { GvmError } from '../errors/index.ts';
import type { ChildExit } from '../process/index.ts';

/** What QEMU says when it does not start, and what mends it. */
const causes: readonly { said: RegExp; hint: string }[] = [
  {
    said: /Could not access KVM|failed to initialize kvm/i,
    hint: '`gvm doctor` says what is wrong with KVM; --accel tcg does without it',
  },
  {
    said: /Failed to get (shared )?"(write|consistent read)" lock/i,
    hint: 'another program has the disk file open for writing; end it, or give gvm a copy',
  },
  {
    said: /sandbox support is not enabled|seccomp/i,
    hint: 'gvm needs a QEMU built with seccomp (Gentoo: USE=seccomp)',
  },
  {
    said: /cannot set up guest memory|Cannot allocate memory/i,
    hint: 'give the machine less memory (machine: memory)',
  },
  { said: /unable to find CPU model/i, hint: '`qemu-system-x86_64 -cpu help` lists the models' },
  { said: /Permission denied/i, hint: 'QEMU runs as an account that may not open this' },
];

/** QEMU that ended before its monitor answered. */
export function startFailure(binary: string, exit: ChildExit, cause?: unknown): GvmError {
  const said = printable(exit.stderr.trim());
  const how = exit.signal ? `was ended by ${exit.signal}` : `ended with exit code ${exit.code}`;
  const hint = causes.find((c) => c.said.test(said))?.hint ?? 'run the same with --dry-run to see the command line';
  return new GvmError({
    code: 'qemu-start',
    message: `${binary} ${how} before the guest began${said ? `: ${clip(said, 2000)}` : ', and said nothing'}`,
    hint,
    details: { code: exit.code, signal: exit.signal, stderr: clip(exit.stderr, 8000) },
    cause,
  });
}

import { clip, printable } from '../core/index.ts';
import { findTool, run } from '../process/index.ts';
import type { Finding, ToolState } from '../schema/index.ts';
import { installCommand, type PackageRow, packageRows } from './packages.ts';
import type { Probe, ProbeContext } from './probe.ts';
import { hostFamily } from './system.ts';

const OLDEST_QEMU = [7, 2];

/** The programs that gvm runs, with their versions, and the packages that bring the missing ones. Files have probes of their own. */
export const tools: Probe<ToolState[]> = async (context) => {
  const rows = packageRows().filter((row) => row.for !== 'test' && !row.file);
  const states = await Promise.all(rows.map((row) => look(row, context)));
  const findings: Finding[] = [];
  for (const need of ['run', 'build'] as const) {
    const present = states.filter((s) => s.need === need && s.path !== null);
    const names = present.map((s) => [s.tool, s.version].filter(Boolean).join(' ')).join(', ');
    if (names)
      findings.push({ level: 'ok', what: `tools to ${need === 'run' ? 'run guests' : 'build images'}`, detail: names });
  }
  for (const [index, row] of rows.entries()) {
    if (states[index]?.path === null) findings.push(missing(row, context));
  }
  const old = states.find((s) => s.tool === 'qemu-system-x86_64' && s.version !== null && isOld(s.version));
  if (old)
    findings.push({ level: 'warn', what: 'QEMU', detail: `${old.version} is older than ${OLDEST_QEMU.join('.')}` });
  return { data: states, findings };
};

async function look(row: PackageRow, { signal }: ProbeContext): Promise<ToolState> {
  const path = findTool(row.tool) ?? null;
  const version = path && row.version ? await versionOf(path, row.version, signal) : null;
  return { tool: row.tool, why: row.why, need: row.for === 'run' ? 'run' : 'build', path, version };
}

/** The first number with dots that a tool prints about itself. */
async function versionOf(path: string, option: string, signal: AbortSignal | undefined): Promise<string | null> {
  try {
    const options = { timeout: 5000, ...(signal ? { signal } : {}) };
    const { stdout, stderr } = await run(path, [option], options);
    const text = clip(printable(`${stdout}\n${stderr}`), 1000);
    return /\d+\.\d+(\.\d+)*/.exec(text)?.[0] ?? null;
  } catch {
    signal?.throwIfAborted();
    return null;
  }
}

function missing(row: PackageRow, { root }: ProbeContext): Finding {
  const mend = installCommand([row], hostFamily(root));
  const level = row.for === 'run' ? 'missing' : 'warn';
  const detail = `not installed: it ${row.why}`;
  return { level, what: row.tool, detail, ...(mend ? { mend } : {}) };
}

function isOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldMajor = 0, oldMinor = 0] = OLDEST_QEMU;
  return major < oldMajor || (major === oldMajor && minor < oldMinor);
}

import { printable } from '../core/index.ts';
import type { Finding, HostReport } from '../schema/index.ts';

const marks: Record<Finding['level'], string> = { ok: 'ok', warn: 'warn', missing: 'MISSING' };

/** The report for a person: one line a finding, below it the command that mends it, and a verdict at the end. */
export function renderHostReport(report: HostReport): string {
  const { system, findings, accelerator } = report;
  const lines = [`${system.name}, Linux ${system.kernel}, ${system.arch}${system.root ? ', as root' : ''}`, ''];
  const width = Math.max(...findings.map((f) => f.what.length));
  for (const { level, what, detail, mend } of findings) {
    lines.push(`  ${marks[level].padEnd(7)}  ${what.padEnd(width)}  ${detail}`);
    if (mend) lines.push(`  ${' '.repeat(7)}  ${' '.repeat(width)}  → ${mend}`);
  }
  return `${printable([...lines, '', verdict(findings, accelerator)].join('\n'))}\n`;
}

function verdict(findings: readonly Finding[], { chosen }: HostReport['accelerator']): string {
  const missing = findings.filter((f) => f.level === 'missing').map((f) => f.what);
  if (missing.length > 0) return `Guests cannot run here yet: ${missing.join(', ')} must be mended first.`;
  return `Guests can run here, with ${chosen === 'kvm' ? 'KVM' : 'TCG'}.`;
}

import { describe, expect, it } from 'vitest';
import { renderHostReport } from '../../src/host/index.ts';
import { type HostReport, hostReportSchema } from '../../src/schema/index.ts';

const report: HostReport = {
  version: 1,
  system: { name: 'Gentoo Linux', family: 'gentoo', kernel: '6.12.1', arch: 'x64', root: false },
  tools: [
    { tool: 'qemu-system-x86_64', why: 'runs the guests', need: 'run', path: null, version: null },
    { tool: 'setpriv', why: 'drops privileges', need: 'run', path: '/usr/bin/setpriv', version: '2.40' },
  ],
  cpu: { model: 'CPU', count: 8, virtualization: 'svm', guest: false },
  memory: { total: 2 ** 34, available: 2 ** 33 },
  space: [{ folder: '/tmp', available: 2 ** 34 }],
  firmware: null,
  builders: [{ mode: 'guest', works: true, reason: 'QEMU runs one' }],
  accelerator: {
    chosen: null,
    reason: 'KVM is not fit: qemu-system-x86_64 is not installed',
    kvm: { fit: false, reason: 'qemu-system-x86_64 is not installed', scale: 1, loop: null },
    tcg: { fit: false, reason: 'qemu-system-x86_64 is not installed', scale: 1, loop: null },
  },
  findings: [
    { level: 'ok', what: 'processors', detail: '8 × CPU' },
    {
      level: 'missing',
      what: 'qemu-system-x86_64',
      detail: 'not installed: it runs the guests',
      mend: 'sudo emerge --ask app-emulation/qemu',
    },
    { level: 'warn', what: 'KVM', detail: 'not fit: \u001b[31mwords of QEMU' },
  ],
};

describe('renderHostReport', () => {
  it('gives a line to each finding and its mending below it', async () => {
    expect(hostReportSchema.parse(report)).toEqual(report);
    await expect(renderHostReport(report)).toMatchFileSnapshot('golden/missing.txt');
  });

  it('says with what guests can run', () => {
    const { kvm } = report.accelerator;
    const accelerator = { ...report.accelerator, chosen: 'kvm' as const, kvm: { ...kvm, fit: true } };
    const text = renderHostReport({ ...report, accelerator, findings: report.findings.slice(0, 1) });
    expect(text).toMatch(/\nGuests can run here, with KVM\.\n$/);
  });
});

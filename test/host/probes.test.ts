import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../src/core/index.ts';
import { cpu } from '../../src/host/cpu.ts';
import { findUefi, firmware } from '../../src/host/firmware.ts';
import { kvmDevice } from '../../src/host/kvm-device.ts';
import { memory } from '../../src/host/memory.ts';
import { installCommand, packageRows } from '../../src/host/packages.ts';
import { system } from '../../src/host/system.ts';
import { tools } from '../../src/host/tools.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'gvm-host-'));
});
afterEach(() => rmSync(root, { recursive: true }));

/** Puts a file into the tree of the other host. */
function put(path: string, content = ''): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

const context = () => ({ root, log: silentLog });

function descriptor(name: string, features: string[], machine = 'pc-q35-*', format = 'raw'): void {
  const flash = (kind: string) => ({ filename: `/fw/${name}.${kind}`, format });
  put(
    `usr/share/qemu/firmware/${name}.json`,
    JSON.stringify({
      'interface-types': ['uefi'],
      mapping: { device: 'flash', executable: flash('code'), 'nvram-template': flash('vars') },
      targets: [{ architecture: 'x86_64', machines: [machine] }],
      features,
    }),
  );
  put(`fw/${name}.code`);
  put(`fw/${name}.vars`);
}

describe('firmware', () => {
  it('takes the first descriptor without secure boot, of raw files, for q35', () => {
    descriptor('40-secure', ['secure-boot', 'requires-smm']);
    descriptor('41-enrolled', ['enrolled-keys']);
    descriptor('42-microvm', [], 'microvm');
    descriptor('43-qcow2', [], 'pc-q35-*', 'qcow2');
    descriptor('60-plain', ['acpi-s3']);
    descriptor('70-other', []);
    expect(findUefi(root)).toMatchObject({ code: '/fw/60-plain.code', vars: '/fw/60-plain.vars' });
  });

  it('lets /etc hide a descriptor, and passes over broken ones and absent files', () => {
    descriptor('60-plain', []);
    descriptor('70-other', []);
    put('etc/qemu/firmware/60-plain.json', '');
    expect(findUefi(root)?.code).toBe('/fw/70-other.code');
    rmSync(join(root, 'fw/70-other.vars'));
    expect(findUefi(root)).toBeUndefined();
  });

  it.each([
    ['Debian', '/usr/share/OVMF/OVMF_CODE_4M.fd', '/usr/share/OVMF/OVMF_VARS_4M.fd'],
    ['Fedora', '/usr/share/edk2/ovmf/OVMF_CODE.fd', '/usr/share/edk2/ovmf/OVMF_VARS.fd'],
    ['Arch', '/usr/share/edk2/x64/OVMF_CODE.4m.fd', '/usr/share/edk2/x64/OVMF_VARS.4m.fd'],
    ['Gentoo', '/usr/share/edk2/OvmfX64/OVMF_CODE.fd', '/usr/share/edk2/OvmfX64/OVMF_VARS.fd'],
  ])('finds it in its place on %s', (_name, code, vars) => {
    put(code);
    expect(findUefi(root)).toBeUndefined();
    put(vars);
    expect(findUefi(root)).toEqual({ code, vars, source: 'a known place' });
  });

  it('names the package where there is none', async () => {
    put('etc/os-release', 'ID=fedora\n');
    const { data, findings } = await firmware(context());
    expect(data).toBeNull();
    expect(findings).toMatchObject([{ level: 'warn', mend: expect.stringMatching(/dnf install edk2-ovmf$/) }]);
  });
});

describe('distributions', () => {
  it.each([
    ['ID=debian', 'debian'],
    ['ID=ubuntu\nID_LIKE=debian', 'debian'],
    ['ID=linuxmint\nID_LIKE="ubuntu debian"', 'debian'],
    ['ID=gentoo', 'gentoo'],
    ['ID="rocky"\nID_LIKE="rhel centos fedora"', 'fedora'],
    ['ID=manjaro\nID_LIKE=arch', 'arch'],
    ['ID=nixos', null],
  ])('%j is of the family %s', async (text, family) => {
    put('etc/os-release', `${text}\n`);
    expect((await system(context())).data.family).toBe(family);
  });

  it('each have a package for every tool to run guests', () => {
    const rows = packageRows().filter((row) => row.for === 'run');
    for (const family of ['debian', 'gentoo', 'fedora', 'arch'] as const) {
      for (const row of rows) expect(installCommand([row], family), `${row.tool} on ${family}`).toBeDefined();
    }
    expect(installCommand(rows, null)).toBeUndefined();
  });
});

describe('tools', () => {
  it('are looked for in PATH, and missing ones come with the command that installs them', async () => {
    put('etc/os-release', 'ID=gentoo\n');
    const path = process.env.PATH;
    process.env.PATH = '/nonexistent';
    try {
      const { data, findings } = await tools(context());
      expect(data.find((t) => t.tool === 'qemu-system-x86_64')).toMatchObject({ path: null, version: null });
      expect(findings.find((f) => f.what === 'qemu-system-x86_64')).toMatchObject({
        level: 'missing',
        detail: 'not installed: it runs the guests',
        mend: expect.stringMatching(/emerge --ask app-emulation\/qemu$/),
      });
    } finally {
      process.env.PATH = path;
    }
  });

  it('say their versions', async () => {
    const { data } = await tools({ ...context(), root: '/' });
    expect(data.find((t) => t.tool === 'qemu-img')?.version).toMatch(/^\d+\.\d+/);
  });
});

describe('processor and memory', () => {
  it('are read from /proc', async () => {
    put('proc/cpuinfo', 'model name\t: Test CPU\nflags\t\t: fpu vmx sse hypervisor\n');
    put('proc/meminfo', 'MemTotal:        1000000 kB\nMemAvailable:     500000 kB\n');
    expect((await cpu(context())).data).toMatchObject({ model: 'Test CPU', virtualization: 'vmx', guest: true });
    const { data, findings } = await memory(context());
    expect(data).toEqual({ total: 1024000000, available: 512000000 });
    expect(findings).toMatchObject([{ level: 'warn', detail: 'only 488.3M of 976.6M available' }]);
  });
});

describe('/dev/kvm', () => {
  it('that is absent is named with the module to load', async () => {
    const { findings } = await kvmDevice(context());
    expect(findings).toMatchObject([{ level: 'warn', mend: expect.stringContaining('modprobe') }]);
  });
});

import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { renderInspection } from '../../src/cli/disk/inspection.ts';
import { openDisk } from '../../src/disk/index.ts';
import { inspectImage, sections } from '../../src/inspect/index.ts';
import { type Inspection, inspectionSchema } from '../../src/inspect/schema.ts';
import { poweredOff } from '../facts/tree-disk.ts';
import { gentooModes, gentooRoot, KEY } from './gentoo.ts';

async function inspect(
  files: Parameters<typeof poweredOff>[0],
  modes: Record<string, number> = {},
): Promise<Inspection> {
  const off = await poweredOff(files, modes);
  try {
    await using disk = await openDisk(off.image);
    return await inspectImage(disk, { image: 'disk.raw' });
  } finally {
    await off.remove();
  }
}

describe('a Gentoo root', () => {
  let found: Inspection;
  beforeAll(async () => {
    found = await inspect(gentooRoot, gentooModes);
  });

  test('fits the published schema', () => {
    expect(inspectionSchema.parse(found)).toEqual(found);
    expect(Object.keys(found.sections).sort()).toEqual(sections.map(({ name }) => name).sort());
    expect(found.diagnostics.map(({ section }) => section)).toEqual(['disk', 'disk']);
  });

  test('the system', () => {
    expect(found.sections.system).toEqual({
      id: 'gentoo',
      name: 'Gentoo Linux',
      version: '2.15',
      architecture: 'x86_64',
      init: 'openrc',
      hostname: 'larry',
      machineId: 'set',
      timezone: 'Europe/Berlin',
      locale: 'de_DE.UTF-8',
    });
  });

  test('what Portage knows', () => {
    expect(found.sections.packages).toEqual({
      manager: 'portage',
      packages: [
        { name: 'dev-lang/python', version: '3.12.3_p1', slot: '3.12' },
        { name: 'dev-lang/python', version: '3.13.0_rc2-r1', slot: '3.13' },
        {
          name: 'sys-apps/portage',
          version: '3.0.63',
          slot: '0',
          repository: 'gentoo',
          use: ['amd64', 'ipc', 'native-extensions'],
        },
      ],
    });
    expect(found.sections.portage).toEqual({
      profile: 'default/linux/amd64/23.0',
      world: ['app-editors/vim', 'sys-kernel/gentoo-kernel'],
      sets: ['@golang-rebuild'],
      // biome-ignore lint/suspicious/noTemplateCurlyInString: as make.conf has it
      makeConf: { COMMON_FLAGS: '-O2 -pipe', CFLAGS: '${COMMON_FLAGS}', USE: 'X   -systemd', MAKEOPTS: '-j4' },
      repositories: ['gentoo'],
    });
  });

  test('accounts: the state of passwords, never a hash', () => {
    const { users, groups } = found.sections.accounts as { users: Record<string, unknown>[]; groups: object[] };
    expect(users.map(({ gid: _, home: __, shell: ___, ...user }) => user)).toEqual([
      { name: 'root', uid: 0, password: 'set', hash: 'sha512', changed: '2024-03-18' },
      { name: 'larry', uid: 1000, password: 'locked', hash: 'yescrypt', changed: '2024-03-19', expires: '2024-10-04' },
      { name: 'open', uid: 1001, password: 'empty', changed: '2024-03-19' },
      { name: 'sshd', uid: 22, password: 'none', changed: '2024-03-19' },
    ]);
    expect(groups).toContainEqual({ name: 'wheel', gid: 10, members: ['root', 'larry'] });
    expect(JSON.stringify(found)).not.toMatch(/\$salt/);
  });

  test('mounts: the entry that the boot would wait for', () => {
    const trouble = (found.sections.mounts as { path: string; trouble?: string }[]).map((m) => [m.path, m.trouble]);
    expect(trouble).toEqual([
      ['/', 'no volume of the disk is that; the boot waits for it'],
      ['/home', 'no volume of the disk is that; the boot waits for it'],
      ['/more', 'no volume of the disk is that'],
      ['/tmp', undefined],
    ]);
  });

  test('boot loader and kernel: what an entry and the root lack', () => {
    const boot = found.sections.boot as { entries: object[] };
    expect(boot.entries).toMatchObject([
      { title: 'Gentoo', kernel: '/kernel-6.6.30-gentoo', options: 'root=UUID=1 ro', missing: [] },
      { title: 'old', missing: ['/kernel-5.0'] },
    ]);
    expect(found.sections.kernels).toMatchObject([
      {
        release: '6.6.30-gentoo',
        image: '/boot/kernel-6.6.30-gentoo',
        config: '/boot/config-6.6.30-gentoo',
        modules: 4,
        initramfs: { files: 2, modules: ['virtio_pci'], missing: ['ext4', 'jbd2', 'virtio_blk'] },
      },
    ]);
  });

  test('services and network', () => {
    expect(found.sections.services).toMatchObject({ init: 'openrc' });
    const { services } = found.sections.services as { services: { name: string; runlevels: string[] }[] };
    expect(
      services
        .filter((s) => s.runlevels.length > 0)
        .map((s) => [s.name, ...s.runlevels])
        .sort(),
    ).toEqual([
      ['net.eth0', 'boot'],
      ['sshd', 'default'],
    ]);
    expect(found.sections.network).toMatchObject({
      interfaces: [{ name: 'eth0', source: '/etc/conf.d/net', addresses: ['192.0.2.7/24', '2001:db8::7/64'] }],
      nameservers: ['192.0.2.53'],
      hosts: [{ address: '127.0.0.1', names: ['localhost', 'larry'] }],
    });
  });

  test('ssh: fingerprints, and the value of sshd that counts', () => {
    const fingerprint = `SHA256:${createHash('sha256').update(Buffer.from(KEY, 'base64')).digest('base64').replace(/=+$/, '')}`;
    expect(found.sections.ssh).toEqual({
      hostKeys: [{ path: '/etc/ssh/ssh_host_ed25519_key.pub', type: 'ssh-ed25519', fingerprint, private: true }],
      authorizedKeys: [
        {
          user: 'larry',
          path: '/home/larry/.ssh/authorized_keys',
          type: 'ssh-ed25519',
          fingerprint,
          comment: 'larry at home',
          options: 'from="192.0.2.0/24",no-pty',
        },
      ],
      settings: { permitrootlogin: 'no' },
      matches: [{ criteria: 'User x', settings: { passwordauthentication: 'yes' } }],
    });
  });

  test('what gives rights, and what was left behind', () => {
    expect(found.sections.privileged).toMatchObject({
      setuid: [{ path: '/usr/bin/su', mode: '4711' }],
      worldWritable: ['/srv/open'],
    });
    expect(found.sections.secrets).toEqual([
      { path: '/etc/ssh/ssh_host_ed25519_key', kind: 'private key (OpenSSH)' },
      { path: '/root/.aws/credentials', kind: 'cloud credentials (AWS)' },
      { path: '/root/.bash_history', kind: 'history' },
    ]);
    expect(found.sections.sudo).toContainEqual({ source: '/etc/sudoers', line: '%wheel ALL=(ALL) NOPASSWD: ALL' });
    expect(found.sections.sysctl).toEqual([{ source: '/etc/sysctl.d/local.conf', line: 'kernel.sysrq = 0' }]);
  });

  test('for people: nothing that a terminal obeys, trouble marked', () => {
    const text = renderInspection(found, { color: false });
    expect(text).not.toContain('\x1b');
    expect(text).toContain('booted red');
    for (const { title } of sections) expect(text).toContain(`\n${title}\n`);
    expect(text).toMatch(/! the root needs ext4, jbd2, virtio_blk/);
    expect(text).toMatch(/! private half in the image/);
  });
});

test('a disk with nothing but hostile text is told within bounds', async () => {
  const long = 'A'.repeat(100_000);
  const found = await inspect({
    '/etc/os-release': `ID="\x1b]0;owned\x07x\u202e"\nNAME=${long}\n`,
    '/etc/passwd': `root:x:0:0::/root:/bin/sh\n${'\x00:\x00:1:1:::\n'.repeat(20_000)}`,
    '/etc/fstab': `${'/dev/x / ext4\n'.repeat(3000)}`,
    '/etc/ssh/sshd_config': 'Include /etc/ssh/sshd_config\nInclude *\n',
    '/etc/hosts': ' '.repeat(50_000),
    '/boot/initramfs-6.1.0.img': Buffer.alloc(4096, 0x30),
    '/boot/vmlinuz-6.1.0': 'MZ',
    '/var/log/messages': Buffer.alloc(300_000, 0x1b),
  });
  inspectionSchema.parse(found);
  const json = JSON.stringify(found);
  expect(json.length).toBeLessThan(4_000_000);
  expect(json).not.toMatch(/\\u001b|\u202e|\\u0007/);
  expect(found.diagnostics.some(({ section }) => section === 'kernels')).toBe(true);
});

test('an empty root has the sections that always are', async () => {
  const found = await inspect({ '/etc/': '' });
  expect(Object.keys(found.sections).sort()).toEqual(['network', 'privileged', 'system', 'usage']);
});

test('netplan: its files as one, and what is no netplan by its name', async () => {
  const found = await inspect({
    '/etc/netplan/01-net.yaml': `network:
  version: 2
  ethernets:
    lan: { match: { name: "enp*" }, dhcp4: true, dhcp6: true, addresses: [192.0.2.4/24] }
    eth1: { addresses: [{ "2001:db8::4/64": { label: x } }], nameservers: { addresses: [192.0.2.53] } }
  wifis:
    wlan0: { dhcp4: yes, access-points: { home: { password: secret } } }
    e0: { dhcp4: On }
    e1: {}
`,
    '/etc/netplan/90-local.yaml': 'network: { ethernets: { lan: { dhcp6: false, addresses: [192.0.2.5/24] } } }\n',
    '/usr/lib/netplan/90-local.yaml': 'network: { ethernets: { hidden: {} } }\n',
    '/etc/netplan/bad.yaml': 'network: [',
    '/etc/netplan/bomb.yaml': `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefghi'].map((name, i) => `${name}: &${name} [${`*${'abcdefgh'[i]},`.repeat(9)}]`).join('\n')}\nnetwork: *i\n`,
    '/etc/netplan/old.yaml.bak': 'network: {}',
    '/etc/resolv.conf': 'nameserver 192.0.2.1\n',
  });
  expect(found.sections.network).toEqual({
    interfaces: [
      { name: 'enp*', source: '/etc/netplan/90-local.yaml', addresses: ['dhcp4', '192.0.2.4/24', '192.0.2.5/24'] },
      { name: 'eth1', source: '/etc/netplan/01-net.yaml', addresses: ['2001:db8::4/64'] },
      { name: 'wlan0', source: '/etc/netplan/01-net.yaml', addresses: ['dhcp4'] },
      { name: 'e0', source: '/etc/netplan/01-net.yaml', addresses: ['dhcp4'] },
      { name: 'e1', source: '/etc/netplan/01-net.yaml', addresses: [] },
    ],
    nameservers: ['192.0.2.1', '192.0.2.53'],
    hosts: [],
    files: ['/etc/netplan/bad.yaml', '/etc/netplan/bomb.yaml'],
  });
  expect(JSON.stringify(found)).not.toContain('secret');
});

test('sshd: a block of a drop-in file ends with the file', async () => {
  const { sections: all } = await inspect({
    '/etc/ssh/sshd_config':
      'Include /etc/ssh/sshd_config.d/*.conf\nX11Forwarding no\nMatch Group sftp Address 192.0.2.0/24\n  ChrootDirectory /srv\n  ChrootDirectory /other\nMatch all\nPermitRootLogin yes\n',
    '/etc/ssh/sshd_config.d/a.conf': 'PermitRootLogin no\nMatch User git\nAllowTcpForwarding no\n',
  });
  expect(all.ssh).toMatchObject({
    settings: { permitrootlogin: 'no', x11forwarding: 'no' },
    matches: [
      { criteria: 'User git', settings: { allowtcpforwarding: 'no' } },
      { criteria: 'Group sftp Address 192.0.2.0/24', settings: { chrootdirectory: '/srv' } },
      { criteria: 'all', settings: { permitrootlogin: 'yes' } },
    ],
  });
});

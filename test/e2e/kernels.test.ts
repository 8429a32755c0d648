import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runSchema } from '../../src/schema/index.ts';
import { debianPackages } from './debian.ts';
import { gvm, home, project, sha256, survivors } from './gvm.ts';

const suite = `suite: kernel
image: openrc
tests:
  - name: runs the kernel that was brought along
    kernel: { release: { matches: "-cloud-" }, taint: 0 }
  - name: has its modules, all of them, where none can be written
    mount: { path: /usr/lib/modules, fstype: ext4, options: { contains: ro } }
    command:
      - { run: "ls -d /lib/modules/*/kernel", stdout: { matches: "^/lib/modules/[^/]*-cloud-[^/]*/kernel$" } }
      - { run: "modprobe dummy && test -d /sys/module/dummy" }
      - { run: "touch /lib/modules/x", exit: 1 }
  - name: has its configuration beside them
    command: { run: "grep CONFIG_VIRTIO_BLK= /lib/modules/$(uname -r)/config", stdout: CONFIG_VIRTIO_BLK=m }
`;

let at: ReturnType<typeof project>;
let kernel: string;

beforeAll(async () => {
  const sata =
    'suite: sata\nimage: openrc\nmachine: { bus: sata }\ntests:\n  - { name: boots, kernel: { taint: 0 } }\n';
  at = project({ 'suites/kernel.gvm.yaml': suite, 'others/sata.gvm.yaml': sata });
  [kernel = ''] = await debianPackages('amd64', 'linux-image-cloud-amd64');
});
afterAll(() => at.remove());

test('a kernel package boots an image that stays as it was, and is recorded', async () => {
  const disk = join(home, 'images/openrc/disk.qcow2');
  const before = sha256(disk);
  const { code, stdout, stderr } = await gvm(['test', '--kernel', kernel], { cwd: at.folder });
  expect(code, stdout + stderr).toBe(0);
  expect(sha256(disk)).toBe(before);
  const record = runSchema.parse(JSON.parse(readFileSync(join(at.folder, 'reports/run.json'), 'utf8')));
  expect(record.suites[0]?.tests.map((t) => t.outcome)).toEqual(['passed', 'passed', 'passed']);
  const [guest] = record.guests;
  expect(guest?.kernelGiven).toEqual({
    source: kernel,
    digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    release: guest?.kernel,
  });
  expect(await survivors()).toEqual([]);
});

test('the kernel of another image is read from its disk', async () => {
  const { code, stdout, stderr } = await gvm(['test', '--dry-run', '--kernel', 'openrc'], { cwd: at.folder });
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/-kernel \S*\/kernels\/[0-9a-f]{32}\/kernel /);
  expect(stdout).toContain('id=modules');
});

test.each([
  ['a kernel behind UEFI', () => [kernel, '--firmware', 'uefi'], 'either set firmware: direct, or leave kernel to the'],
  ['a kernel without a driver for the bus', () => [kernel, 'others'], 'has no module ahci'],
  ['a file that is no kernel', () => ['/etc/passwd'], 'is no kernel that gvm knows'],
  ['a kernel that is not there', () => ['/nowhere/vmlinuz'], 'no such kernel: /nowhere/vmlinuz'],
])('%s is refused before anything boots', async (_what, options, message) => {
  const { code, stderr } = await gvm(['test', '--dry-run', '--kernel', ...options()], { cwd: at.folder });
  expect(stderr).toContain(message);
  expect(code).toBe(2);
});

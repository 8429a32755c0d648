import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type GuestRecord, type RunRecord, runSchema } from '../../src/schema/index.ts';
import { debianPackages } from '../e2e/debian.ts';
import { gvm, project, repository } from '../e2e/gvm.ts';

// Three kernels of Debian and every shipped image, by every firmware, in one table. QEMU starts a kernel that is brought along;
// behind UEFI and the BIOS an image boots its own. The twins have no loader for the BIOS, and those cells say so.

const images = readdirSync(join(repository, 'images')).flatMap((name) => /^(.+)\.yaml$/.exec(name)?.[1] ?? []);
const twins = images.filter((name) => name.startsWith('gentoo-twin-'));
const suite = `suite: kernels
machine: { login: { become: sudo } } # the twins let no root in
tests:
  - name: runs a kernel that nothing has tainted
    kernel: { arch: x86_64, taint: 0 }
  - name: loads a module
    command: { run: "modprobe dummy && test -d /sys/module/dummy" }
`;

let at: ReturnType<typeof project>;
let releases: string[];
let record: RunRecord;

beforeAll(async () => {
  at = project({ 'suites/kernels.gvm.yaml': suite });
  writeFileSync(join(at.folder, 'gvm.yaml'), 'matrix: { firmware: [direct, uefi, bios] }\n');
  const kernels = await debianPackages('amd64', 'linux-image-cloud-amd64', 'linux-image-amd64', 'linux-image-rt-amd64');
  releases = kernels.map((file) => basename(file, '.deb').replace('linux-image-', ''));
  const options = [
    ...images.flatMap((image) => ['--image', image]),
    ...kernels.flatMap((kernel) => ['--kernel', kernel]),
  ];
  const { stdout, stderr } = await gvm(['test', '-j', 'auto', ...options], { cwd: at.folder });
  console.log(stdout.slice(stdout.indexOf('  cell ')), stderr);
  record = runSchema.parse(JSON.parse(readFileSync(join(at.folder, 'reports/run.json'), 'utf8')));
});
afterAll(() => at.remove());

/** The guest and the outcomes of the cell with these values. */
function cell(values: Record<string, string>): { guest: GuestRecord | undefined; outcomes: (string | undefined)[] } {
  const suites = record.suites.filter((one) =>
    Object.entries(values).every(([axis, value]) => basename(one.cell?.values[axis] ?? '') === value),
  );
  expect(suites).toHaveLength(1);
  const guest = record.guests.find((one) => one.cell === suites[0]?.cell?.name);
  return { guest, outcomes: suites[0]?.tests.map((one) => one.outcome) ?? [] };
}

test('three kernels run directly, and one boots behind each firmware', () => {
  expect(record.suites).toHaveLength(images.length * (3 + 1 + 1));
});

test.each(images.flatMap((image) => [0, 1, 2].map((kernel) => [image, kernel] as const)))(
  '%s passes with kernel %i',
  (image, number) => {
    const release = releases[number] ?? '';
    const { guest, outcomes } = cell({ image, firmware: 'direct', kernel: `linux-image-${release}.deb` });
    expect(outcomes).toEqual(['passed', 'passed']);
    expect(guest).toMatchObject({
      kernel: release,
      kernelGiven: { release, digest: expect.stringMatching(/^\w{64}$/) },
    });
  },
);

test.each([...images.map((image) => [image, 'uefi'] as const), ['openrc', 'bios'] as const])(
  '%s passes with firmware %s and its own kernel',
  (image, firmware) => {
    const { guest, outcomes } = cell({ image, firmware });
    expect(outcomes).toEqual(['passed', 'passed']);
    expect(guest?.kernelGiven).toBeUndefined();
  },
);

test.each(twins)('%s has nothing that a BIOS could boot, and its cell says so', (image) => {
  const { guest, outcomes } = cell({ image, firmware: 'bios' });
  expect(outcomes).toEqual(['error', 'error']);
  expect(guest?.boot).toMatchObject({ outcome: 'failed', stage: 'firmware', cause: 'no-boot-loader' });
});

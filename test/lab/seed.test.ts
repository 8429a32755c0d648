import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fatImage } from '../../src/lab/fat-image.ts';
import { seedImage } from '../../src/lab/seed.ts';

let folder: string;
let image: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-seed-'));
  image = join(folder, 'seed.img');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const tool = (name: string, ...args: string[]) =>
  execFileSync(name, args, {
    encoding: 'latin1',
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  });

test('the seed is a volume that fsck.fat and mtools read', () => {
  writeFileSync(image, seedImage({ instanceId: 'i-1', hostname: 'boot-1', authorizedKeys: ['ssh-ed25519 AAAA gvm'] }));
  expect(tool('fsck.fat', '-n', image)).toContain('2/2847 clusters');
  expect(tool('blkid', '-p', '-o', 'export', image)).toContain('LABEL=CIDATA');
  expect(tool('mcopy', '-n', '-i', image, '::meta-data', '-')).toBe('instance-id: i-1\nlocal-hostname: boot-1\n');
  expect(tool('mcopy', '-n', '-i', image, '::user-data', '-')).toMatch(
    /^#cloud-config\ndisable_root: false\nssh_pwauth: false\nssh_authorized_keys:\n {2}- ssh-ed25519 AAAA gvm\nbootcmd:\n {2}- '[^'\n]*'\nruncmd:\n {2}- '[^'\n]*'\n$/,
  );
});

test('a user of the image gets the key, and what becoming root needs', () => {
  const seed = { instanceId: 'i-1', hostname: 'boot-1', authorizedKeys: ['ssh-ed25519 AAAA gvm'], user: 'tester' };
  const written = (more: object) => {
    writeFileSync(image, seedImage({ ...seed, ...more }));
    return tool('mcopy', '-n', '-i', image, '::user-data', '-');
  };
  expect(written({ become: 'sudo' })).toContain(
    'users:\n  - default\n  - name: "tester"\n    sudo: "ALL=(ALL) NOPASSWD:ALL"\n    ssh_authorized_keys:\n      - ssh-ed25519 AAAA gvm\n',
  );
  expect(written({ become: 'doas' })).toContain('    doas: ["permit nopass tester"]\n');
  expect(written({ become: 'none' })).not.toMatch(/sudo|doas/);
  expect(written({ user: 'root' })).not.toContain('users:');
  expect(written({ password: true })).not.toContain('ssh_pwauth');
});

test('what is written is what mtools reads back', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,11}[a-z0-9]$/);
  const file = fc.record({ name, content: fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes)) });
  const files = fc.uniqueArray(file, { selector: (f) => f.name, minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(files, (given) => {
      writeFileSync(image, fatImage('TEST', 1, given));
      tool('fsck.fat', '-n', image);
      for (const { name: path, content } of given) {
        const read = Buffer.from(tool('mcopy', '-n', '-i', image, `::${path}`, '-'), 'latin1');
        expect(read.equals(content)).toBe(true);
      }
    }),
    { numRuns: 20 },
  );
});

test('files that do not fit are refused', () => {
  expect(() => fatImage('TEST', 1, [{ name: 'large', content: Buffer.alloc(2 ** 21) }])).toThrow('does not fit');
});

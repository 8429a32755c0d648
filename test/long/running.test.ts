import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openRunning } from '../../src/facts/index.ts';
import { inspectSystem } from '../../src/inspect/index.ts';
import { type Inspection, inspectionSchema } from '../../src/inspect/schema.ts';
import { gvm, project } from '../e2e/gvm.ts';
import { openTestLab } from '../e2e/test-lab.ts';

// What is known of a guest while it runs, and of its disk once it is off: the same readers, so the same answers.

const folder = mkdtempSync(join(tmpdir(), 'gvm-running-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('each section says of a powered-off disk what it said of the guest', async () => {
  await using bench = await openTestLab();
  const spec = await bench.describe('told');
  const guest = await bench.lab.start(spec);
  const channel = guest.channel();
  // A disk shows what its fstab mounts, also what is only mounted when it is asked for.
  const made = await channel.exec(`set -e; mount -o ro /boot/efi; useradd -m tester; cp /bin/true /etc/suid
chmod 4755 /etc/suid; printf 'caf\\303\\251 \\377' > "/root/it's odd"; echo Europe/Berlin > /etc/timezone; sync`);
  expect([made.exitCode, made.stderr.toString()]).toEqual([0, '']);
  const running = await inspectSystem(await openRunning({ channel, timeout: 120_000 }), { image: 'told' });
  await channel.exec('sync');
  const kept = bench.lab.keep(spec);
  await guest[Symbol.asyncDispose]();
  const allow = spec.image.layers.flatMap((layer) => ['--allow-backing', dirname(layer.path)]);
  const { stdout, stderr, code } = await gvm(['inspect', kept.overlay, '--json', ...allow]);
  expect([code, stderr]).toEqual([0, '']);
  const off = inspectionSchema.parse(JSON.parse(stdout)) as Inspection;
  // How full it is and what is logged go on changing; what a BIOS starts stands before all file systems.
  const { usage, logs, ...lasting } = off.sections;
  const { bios, ...boot } = lasting.boot as { bios?: string };
  expect(bios).toBe('GRUB');
  const { usage: used, logs: logged, ...told } = inspectionSchema.parse(running).sections as Inspection['sections'];
  expect(told).toEqual({ ...lasting, boot });
  expect(running.diagnostics).toEqual([]);
  expect(Object.keys(told).length).toBeGreaterThan(10);
  expect(told).toMatchObject({
    system: { timezone: 'Europe/Berlin' },
    privileged: { setuid: expect.arrayContaining([expect.objectContaining({ path: '/etc/suid' })]) },
  });
});

test('gvm inspect --guest asks the guest that runs', async () => {
  const at = project({});
  const booted = await gvm(['boot', 'openrc', '--detach', '--name', 'asked', '--json'], { cwd: at.folder });
  expect(booted.code, booted.stderr).toBe(0);
  try {
    const { stdout, code } = await gvm(['inspect', '--guest', 'asked', '--json'], { cwd: at.folder });
    expect(code).toBe(0);
    expect(inspectionSchema.parse(JSON.parse(stdout))).toMatchObject({
      image: 'asked',
      sections: { system: { id: 'debian' } },
    });
  } finally {
    await gvm(['stop', 'asked'], { cwd: at.folder });
    at.remove();
  }
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { moduleName, readModuleIndex, resolveModules, rootNeeds } from '../../../src/facts/index.ts';

const texts = {
  dep: [
    'kernel/drivers/virtio/virtio.ko: kernel/drivers/virtio/virtio_ring.ko',
    'kernel/drivers/virtio/virtio_ring.ko:',
    'kernel/drivers/block/virtio_blk.ko: kernel/drivers/virtio/virtio_ring.ko kernel/drivers/virtio/virtio.ko',
    'kernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko kernel/lib/crc16.ko',
    'kernel/fs/jbd2/jbd2.ko:',
    'kernel/lib/crc16.ko:',
    'kernel/crypto/crc32c_generic.ko:',
    'kernel/arch/x86/crypto/crc32c-intel.ko:',
    '',
  ].join('\n'),
  builtin: 'kernel/drivers/usb/core/usbcore.ko\n',
  softdep: '# comment\nsoftdep ext4 pre: crypto-crc32c post: later\n',
  alias: 'alias crypto-crc32c crc32c_generic\nalias crypto-crc32c crc32c_intel\nalias pci:v0* nothing\n',
};

describe('modules', () => {
  test('are loaded after what they need, soft dependencies first', () => {
    const { paths, missing } = resolveModules(readModuleIndex(texts), ['virtio_blk', 'ext4']);
    expect(missing).toEqual([]);
    expect(paths).toEqual([
      'kernel/drivers/virtio/virtio_ring.ko',
      'kernel/drivers/virtio/virtio.ko',
      'kernel/drivers/block/virtio_blk.ko',
      'kernel/crypto/crc32c_generic.ko',
      'kernel/arch/x86/crypto/crc32c-intel.ko',
      'kernel/fs/jbd2/jbd2.ko',
      'kernel/lib/crc16.ko',
      'kernel/fs/ext4/ext4.ko',
    ]);
  });

  test('that are built in are not missing, others are named', () => {
    expect(resolveModules(readModuleIndex(texts), ['usbcore', 'nvme', 'crc32c-intel'])).toEqual({
      paths: ['kernel/arch/x86/crypto/crc32c-intel.ko'],
      missing: ['nvme'],
    });
  });

  test('have one name however their file is packed', () => {
    expect(moduleName('kernel/drivers/char/hw_random/virtio-rng.ko.zst')).toBe('virtio_rng');
  });

  test('of a root on two buses are named once', () => {
    expect(rootNeeds(['scsi', 'sata'], 'ext4')).toEqual(['virtio_pci', 'virtio_scsi', 'sd_mod', 'ahci', 'ext4']);
  });

  test('of any graph, circles included, stand once each and after all they need where that is possible', () => {
    const graph = fc.array(fc.array(fc.nat({ max: 9 }), { maxLength: 4 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(graph, fc.boolean(), (edges, acyclic) => {
        const size = edges.length;
        const needs = edges.map((list, from) =>
          [...new Set(list.map((to) => to % size))].filter((to) => (acyclic ? to < from : true)),
        );
        const dep = needs
          .map((list, i) => `kernel/m${i}.ko:${list.map((to) => ` kernel/m${to}.ko`).join('')}`)
          .join('\n');
        const { paths } = resolveModules(
          readModuleIndex({ dep }),
          needs.map((_, i) => `m${i}`),
        );
        expect(new Set(paths).size).toBe(size);
        expect(paths.length).toBe(size);
        if (!acyclic) return;
        for (const [i, list] of needs.entries()) {
          for (const to of list)
            expect(paths.indexOf(`kernel/m${to}.ko`)).toBeLessThan(paths.indexOf(`kernel/m${i}.ko`));
        }
      }),
    );
  });

  test('of arbitrary text are read without failing', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (dep, softdep) => {
        resolveModules(readModuleIndex({ dep, softdep, alias: softdep }), [dep.slice(0, 5)]);
      }),
    );
  });
});

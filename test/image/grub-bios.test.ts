import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { coreBuild, embedGrub } from '../../src/image/build/grub-bios.ts';
import { loadRecipe } from '../../src/image/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'gvm-grub-'));
afterAll(() => rmSync(folder, { recursive: true }));

const place = { sector: 40, sectors: 2008 };

describe('boot.img and core.img on the disk', () => {
  const boot = Buffer.alloc(512, 0x11);
  const core = Buffer.alloc(3 * 512 + 7, 0x22);

  test('boot.img names the first sector of core.img, and that the ones that follow', () => {
    const { code, area, sector } = embedGrub(boot, core, place);
    expect(sector).toBe(40);
    expect(code).toHaveLength(440);
    expect(Buffer.from(code).toString('hex', 0x5b, 0x69)).toBe('1128000000000000' + '00' + 'ff' + '11' + '9090' + '11');
    expect(area).toHaveLength(4 * 512);
    // Start, count; the segment is grub-mkimage's.
    expect(Buffer.from(area).toString('hex', 499, 513)).toBe('22' + '2900000000000000' + '0300' + '2222' + '22');
    expect(Buffer.from(area).toString('hex', 3 * 512 + 6, 3 * 512 + 8)).toBe('2200');
    expect(boot.every((byte) => byte === 0x11)).toBe(true);
  });

  test.each([
    ['a boot.img of another size', Buffer.alloc(511), core],
    ['a core.img that is cut off', boot, Buffer.alloc(512)],
    ['a core.img beyond what GRUB finds room for in memory', boot, Buffer.alloc(0x78000 - 0x8200 + 1)],
  ])('%s is refused', (_, first, second) => {
    expect(() => embedGrub(first, second, place)).toThrow(
      /^expected a boot\.img of 512 bytes and a core\.img of 512 to/,
    );
  });

  test('a core.img that its partition has no room for is refused', () => {
    expect(() => embedGrub(boot, core, { sector: 40, sectors: 3 })).toThrow('to 1536 bytes, found 512 and 1543');
  });
});

test('core.img is made in the root of what the packages bring, and looks for the menu on the EFI system partition', async () => {
  const { recipe } = await loadRecipe(new URL('../../images/openrc.yaml', import.meta.url).pathname);
  const files = [
    ...['usr/bin/grub-mkimage', 'usr/bin/grub-file', 'lib/x/libdevmapper.so.1.02.1', 'usr/lib/grub/x86_64-efi/fat.mod'],
    ...['boot.img', 'fat.mod', 'moddep.lst'].map((name) => `usr/lib/grub/i386-pc/${name}`),
  ];
  for (const file of files) {
    mkdirSync(join(folder, dirname(file)), { recursive: true });
    writeFileSync(join(folder, file), '');
  }
  await expect(coreBuild(recipe, join(folder, 'lib'))).rejects.toMatchObject({
    code: 'image-build',
    message: expect.stringContaining('no usr/bin/grub-mkimage'),
  });
  const { members, command } = await coreBuild(recipe, folder);
  const names = ['boot.img', 'fat.mod', 'grub-mkimage', 'libdevmapper.so.1.02.1', 'moddep.lst'];
  expect(members.map(({ path }) => path)).toEqual(names.map((name) => `usr/lib/gvm-grub/${name}`));
  expect(command).toContain(` -p '(,gpt1)/EFI/debian' -o /usr/lib/gvm-grub/core.img biosdisk part_gpt fat `);
});

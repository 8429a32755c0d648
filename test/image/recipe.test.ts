import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { isGvmError } from '../../src/errors/index.ts';
import { grubMenu } from '../../src/image/build/loader.ts';
import { listRecipes, loadRecipe } from '../../src/image/index.ts';

const shipped = new URL('../../images/openrc.yaml', import.meta.url).pathname;
const text = readFileSync(shipped, 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'gvm-recipe-'));
afterAll(() => rmSync(folder, { recursive: true }));

function recipe(content: string, name = 'openrc'): string {
  const here = mkdtempSync(join(folder, 'r-'));
  mkdirSync(join(here, 'openrc/etc'), { recursive: true });
  writeFileSync(join(here, 'openrc/etc/motd'), 'hello\n');
  writeFileSync(join(here, `${name}.yaml`), content);
  return join(here, `${name}.yaml`);
}

async function problem(file: string): Promise<string> {
  try {
    await loadRecipe(file);
  } catch (error) {
    if (!isGvmError(error)) throw error;
    const { position } = error;
    return `${error.code} ${position?.line}:${position?.column} ${error.message}`;
  }
  return 'none';
}

describe.each([
  ['gentoo-twin-systemd', '6776-6D02', '2c9e4d70'],
  ['gentoo-twin-openrc', '6776-6D03', '6f0b7a54'],
])('the shipped recipe %s', (name, volume, uuid) => {
  const file = join(shipped, '..', `${name}.yaml`);

  test('names in fstab the file systems that it makes, by their labels', async () => {
    const { recipe, overlay } = await loadRecipe(file);
    const fstab = overlay.find((f) => f.path === 'etc/fstab')?.content;
    const lines = fstab?.kind === 'file' ? Buffer.from(fstab.bytes).toString() : '';
    for (const { mount, filesystem } of recipe.disk.partitions) {
      expect(lines).toMatch(new RegExp(`^LABEL=${filesystem.label} +${mount} +${filesystem.type} `, 'm'));
    }
  });

  test('has a menu for GRUB that starts the kernel from the partition that holds it', async () => {
    const { recipe } = await loadRecipe(file);
    const menu = grubMenu(recipe, '6.1.0');
    expect(menu).toContain(`search --no-floppy --fs-uuid --set=root ${volume}\n`);
    expect(menu).toMatch(
      new RegExp(
        `^ {2}linux /vmlinuz-6\\.1\\.0 root=UUID=${uuid}-\\S+ rootfstype=xfs console=ttyS0 console=tty0 ro `,
        'm',
      ),
    );
    expect(menu).toContain('  initrd /initrd.img-6.1.0\n');
  });
});

describe('the shipped recipe', () => {
  test('is valid, and its overlay is executable where it begins with #!', async () => {
    const { recipe, overlay } = await loadRecipe(shipped);
    expect(recipe.name).toBe('openrc');
    const sshd = overlay.find((f) => f.path === 'etc/init.d/sshd');
    expect(sshd?.content).toMatchObject({ kind: 'file', executable: true });
    expect(overlay.find((f) => f.path === 'etc/fstab')?.content).toMatchObject({ executable: false });
  });

  test.each(['openrc', 'gentoo-twin-openrc'])(
    '%s starts only services that its overlay or openrc has',
    async (name) => {
      const { recipe, overlay } = await loadRecipe(join(shipped, '..', `${name}.yaml`));
      const links = Object.keys(recipe.overlay.links);
      const ours = [...overlay.map((f) => `/${f.path}`), ...links].map((path) => path.replace('/etc/init.d/', ''));
      const known = new Set([...ours, 'savecache']);
      for (const services of Object.values(recipe.runlevels))
        for (const name of services) expect(known).toContain(name);
    },
  );

  test('names in fstab the file systems that it makes', async () => {
    const { recipe, overlay } = await loadRecipe(shipped);
    const fstab = overlay.find((f) => f.path === 'etc/fstab')?.content;
    const lines = fstab?.kind === 'file' ? Buffer.from(fstab.bytes).toString() : '';
    for (const { mount, filesystem } of recipe.disk.partitions) {
      const source = filesystem.type === 'vfat' ? `LABEL=${filesystem.label}` : `UUID=${filesystem.uuid}`;
      expect(lines).toMatch(new RegExp(`^${source} +${mount} +${filesystem.type} `, 'm'));
    }
  });
});

describe('a recipe with a mistake is refused at its place', () => {
  const line = (needle: string) => text.split('\n').findIndex((l) => l.includes(needle)) + 1;

  test('an unknown key', async () => {
    const bad = text.replace('    suite: bookworm', '    suit: bookworm');
    expect(await problem(recipe(bad))).toContain(
      `openrc.yaml:${line('suite: bookworm')}:5: source.debian.suit: unknown key`,
    );
  });

  test('a mode that is no quoted octal number', async () => {
    const bad = text.replace('mode: "0700"', 'mode: 0700');
    expect(await problem(recipe(bad))).toContain('write "0700"');
  });

  test('two root partitions', async () => {
    const bad = text.replace('mount: /boot/efi', 'mount: /');
    expect(await problem(recipe(bad))).toContain('expected exactly one partition mounted at /');
  });

  test('a BIOS boot partition without a menu', async () => {
    const bad = text.replace(/^ {2}grub:\n(?: {4}.*\n)+/m, '');
    expect(await problem(recipe(bad))).toContain(
      `${line('biosBoot')}:13 disk.biosBoot: GRUB for the BIOS reads the menu of boot.grub`,
    );
  });

  test('a path that leaves the image', async () => {
    const bad = text.replace('/usr/sbin/init: openrc-init', '/../init: openrc-init');
    expect(await problem(recipe(bad))).toContain('expected an absolute path inside the image');
  });

  test('a name that is not the name of its file', async () => {
    expect(await problem(recipe(text, 'other'))).toBe(
      `document-invalid ${line('name: openrc')}:7 name: expected other, the name of the file, found openrc`,
    );
  });

  test('an overlay folder that is not there', async () => {
    const file = recipe(text.replace('  from: openrc', '  from: nowhere'));
    expect(await problem(file)).toContain(`file-missing ${line('  from: openrc')}:9 overlay.from: the folder`);
  });

  test('a base that is none', async () => {
    const child = 'name: child\nextends: openrc\ndescription: a child\ninit: none\nmachine: { memory: 2 }\n';
    const file = recipe(child, 'child');
    expect(await problem(file)).toContain('file-missing');
    writeFileSync(join(file, '../openrc.yaml'), text);
    expect(await problem(file)).toContain('document-invalid 5:20 machine.memory:');
    writeFileSync(join(file, '../openrc.yaml'), text.replace('init: openrc', 'init: openrc\nextends: child'));
    expect(await problem(file)).toBe('document-invalid 2:10 extends: openrc itself extends another recipe');
  });

  test('a file that is not there', async () => {
    expect(await problem(join(folder, 'none.yaml'))).toContain('file-missing');
  });
});

test('the hash of a recipe changes with its text and with its overlay', async () => {
  const [a, b, c] = [recipe(text), recipe(text), recipe(`${text}# more\n`)];
  writeFileSync(join(b, '../openrc/etc/motd'), 'other\n');
  const [first, second, third] = [await loadRecipe(a), await loadRecipe(b), await loadRecipe(c)];
  expect(new Set([first.hash, second.hash, third.hash]).size).toBe(3);
  expect((await loadRecipe(recipe(text))).hash).toBe(first.hash);
});

test('a recipe that extends another has its maps merged and its lists replaced', async () => {
  const child = [
    ...['name: child', 'extends: openrc', 'description: a child', 'init: none', 'runlevels: { default: [sshd] }'],
    ...['source: { debian: { packages: [busybox-static] } }', 'overlay: { from: [openrc, more] }', ''],
  ].join('\n');
  const file = recipe(child, 'child');
  writeFileSync(join(file, '../openrc.yaml'), text);
  mkdirSync(join(file, '../more/etc'), { recursive: true });
  writeFileSync(join(file, '../more/etc/motd'), 'more\n');
  const [base, { recipe: merged, overlay, hash }] = [await loadRecipe(shipped), await loadRecipe(file)];
  expect(merged).toMatchObject({ name: 'child', init: 'none', disk: base.recipe.disk, boot: base.recipe.boot });
  expect(merged.source.debian).toEqual({ ...base.recipe.source.debian, packages: ['busybox-static'] });
  expect(merged.runlevels).toEqual({ ...base.recipe.runlevels, default: ['sshd'] });
  expect(overlay).toMatchObject([{ path: 'etc/motd', content: { bytes: Buffer.from('more\n') } }]);
  writeFileSync(join(file, '../openrc.yaml'), `${text}# more\n`);
  expect((await loadRecipe(file)).hash).not.toBe(hash);
});

test('recipes are listed by name, the earlier folder first', async () => {
  const first = recipe(text);
  const found = await listRecipes([join(first, '..'), join(shipped, '..'), '/nonexistent']);
  expect(found.get('openrc')).toBe(first);
});

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLayout } from '../../../src/disk/index.ts';
import { MemorySource } from '../../../src/disk/source/memory.ts';
import { findTool } from '../../../src/process/index.ts';
import { editLuks, editLvm, mdPlaces, sealMd } from './edit.ts';
import { fixtureDisk } from './fixture.ts';
import { contentOfTiny } from './tiny.ts';

// Sound disks with one thing changed and every checksum right: what no tool writes on demand.

/** All that is said of the volumes of a disk. */
async function saidOf(bytes: Buffer, keys: Buffer[] = []) {
  const layout = await readLayout(new MemorySource(bytes), { keys });
  const said = layout.volumes.flatMap((volume) => [
    ...volume.diagnostics.map(({ message }) => message),
    volume.reason?.message,
  ]);
  return { layout, said: said.filter((one) => one !== undefined).join('\n') };
}

describe('MD', () => {
  /** Changes one or all superblocks. */
  const edited = (name: string, edit: (sb: Buffer) => void, only?: number) => {
    const bytes = fixtureDisk(name);
    for (const [i, at] of mdPlaces(bytes).entries()) {
      if (only !== undefined && only !== i) continue;
      edit(bytes.subarray(at, at + 4096));
      sealMd(bytes, at);
    }
    return bytes;
  };
  const feature = (bit: number) => (sb: Buffer) => void sb.writeUInt32LE(sb.readUInt32LE(8) | bit, 8);

  it.each([
    ['a reshape', feature(4), 'an array whose shape is being changed (reshape)'],
    ['a journal', feature(512), 'an array with a write journal'],
    ['unknown features', feature(0x2000), 'features 0x2000'],
    ['too much data', (sb: Buffer) => void sb.writeUInt32LE(2 ** 30, 136), 'bytes of data from'],
    ['too many devices', (sb: Buffer) => void sb.writeUInt32LE(5000, 220), '5000 devices'],
    ['no devices', (sb: Buffer) => void sb.writeUInt32LE(0, 92), '0 devices'],
    ['data beyond a device', (sb: Buffer) => void sb.writeUInt32LE(2 ** 30, 80), 'its data reaches beyond a device'],
  ])('is not read with %s', async (_, edit, message) => {
    expect((await saidOf(edited('md-1.0-raid1', edit))).said).toContain(message);
  });

  it.each([
    [
      'was still being filled',
      (sb: Buffer) => [feature(2)(sb), sb.writeBigUInt64LE(8n, 152)],
      'p1 was still being filled and is left out',
    ],
    ['is a spare', (sb: Buffer) => sb.writeUInt32LE(77, 160), 'p1 is a spare or was taken out'],
    [
      'has the place of another',
      (sb: Buffer) => sb.writeUInt32LE(1, 160),
      'has the place of another device and is left out',
    ],
    ['has bad blocks', feature(8), 'p1 has a list of bad blocks'],
  ])('is read where one device %s', async (_, edit, message) => {
    const { layout, said } = await saidOf(edited('md-1.0-raid1', edit, 0));
    expect(said).toContain(message);
    expect(await contentOfTiny(layout, 'md0')).toBe('in md-1.0-raid1\n');
  });

  it('leaves out a device that describes another array', async () => {
    const { layout, said } = await saidOf(edited('md-1.0-raid1', (sb) => sb.writeUInt32LE(4, 72), 1));
    expect(said).toContain('p2 describes another array and is left out');
    expect(await contentOfTiny(layout, 'md0')).toBe('in md-1.0-raid1\n');
  });

  it('says that its copies were not alike', async () => {
    const { layout, said } = await saidOf(edited('md-1.0-raid1', (sb) => sb.writeBigUInt64LE(0n, 208)));
    expect(said).toContain('its copies were not alike yet when it was stopped; the first is read');
    expect(await contentOfTiny(layout, 'md0')).toBe('in md-1.0-raid1\n');
  });

  it.each([
    ['host:data', 'md/data'],
    ['host:7', 'md7'],
    ['\x1b[31m', /^md\/[0-9a-f]{8}$/],
    ['../../x', /^md\/[0-9a-f]{8}$/],
  ])('by the name %j is %s', async (name, device) => {
    const { layout } = await saidOf(edited('md-1.0-raid1', (sb) => sb.fill(0, 32, 64).write(name, 32)));
    expect(layout.volumes.at(-1)?.name).toEqual(typeof device === 'string' ? device : expect.stringMatching(device));
  });

  it('of devices of different sizes needs to know its layout', async () => {
    const { said } = await saidOf(edited('md-1.2-raid0', (sb) => sb.writeUInt32LE(0, 8)));
    expect(said).toContain('by a kernel that did not note its layout');
  });

  it.each([
    ['0.91', (sb: Buffer) => sb.writeUInt32LE(91, 8), 'reshape'],
    ['0.92', (sb: Buffer) => sb.writeUInt32LE(92, 8), 'version 0.92'],
  ])('of version %s is not read', async (_, edit, message) => {
    expect((await saidOf(edited('md-0.90-raid1', edit))).said).toContain(message);
  });
});

describe('LVM2', () => {
  it('is read where its text goes round in its area', async () => {
    for (const before of [1, 100, 700]) {
      const bytes = editLvm(
        fixtureDisk('lvm'),
        (text) => text,
        (size) => size - before,
      );
      const { layout, said } = await saidOf(bytes);
      expect(said).not.toContain('checksum');
      expect(await contentOfTiny(layout, 'vg0/striped')).toBe('in striped\n');
    }
  });

  it.each([
    [
      'extents of nothing',
      (text: string) => text.replace(/extent_size = \d+/, 'extent_size = 0'),
      'extents of 0 bytes',
    ],
    ['a bad name', (text: string) => text.replace(/^vg0 /m, '-vg0 '), 'a name that no group can have'],
    ['a bad id', (text: string) => text.replace(/id = "[^"]+"/, 'id = "a b"'), 'an id that no group can have'],
    [
      'segments that overlap',
      (text: string) => text.replace(/(linear \{[\s\S]*?segment2 \{\s*start_extent = )\d+/, '$10'),
      'leave a gap or overlap',
    ],
    ['segments that are missing', (text: string) => text.replace('segment1', 'segment7'), 'segment1 is missing'],
    ['a count that is text', (text: string) => text.replace(/seqno = \d+/, 'seqno = "x"'), 'has no seqno'],
    [
      'a part that lies nowhere',
      (text: string) => text.replace(/"pv0", \d+/, '"pv0", "x"'),
      'a stripe that lies nowhere',
    ],
    [
      'an unknown volume',
      (text: string) => text.replaceAll(/"pv0", \d+/g, '"pv9", 0'),
      'lies on a volume that the group does not have',
    ],
    [
      'a place beyond the device',
      (text: string) => text.replaceAll(/"pv0", \d+/g, '"pv0", 999999'),
      'reaches beyond the end of pv0',
    ],
    [
      'an unknown type',
      (text: string) => text.replaceAll('type = "mirror"', 'type = "vdo"'),
      'segments of the type vdo',
    ],
    [
      'a type without a name',
      (text: string) => text.replaceAll('type = "mirror"', 'type = "a b"'),
      'type that has no name',
    ],
    [
      'a merge',
      (text: string) => text.replace('cow_store', 'merging_store'),
      'a volume into which a snapshot is being merged',
    ],
  ])('with %s ends in an error that says so', async (_, edit, message) => {
    const { said } = await saidOf(editLvm(fixtureDisk('lvm'), edit));
    expect(said).toContain(message);
  });

  it('does not go round where volumes lie on each other', async () => {
    const loop = (text: string) =>
      text
        .replaceAll('"mirrored_mimage_0", 0', '"raid", 0')
        .replaceAll('"raid_rmeta_0", "raid_rimage_0"', '"raid_rmeta_0", "mirrored"');
    const { said } = await saidOf(editLvm(fixtureDisk('lvm'), loop));
    expect(said).toMatch(/volumes deeper than 6 within each other|no copy of its data is there|copies are missing/);
  });

  it('leaves out a physical volume that the group gave up', async () => {
    const { layout, said } = await saidOf(
      editLvm(fixtureDisk('lvm'), (text) => text.replace(/(pv0 \{[\s\S]*?flags = \[)\]/, '$1"MISSING"]')),
    );
    expect(said).toContain('its physical volume pv0 is missing');
    expect(await contentOfTiny(layout, 'vg0/raid')).toBe('in raid\n');
  });

  it('reads zeros where a segment has none', async () => {
    const zero = (text: string) => text.replace(/(between \{[\s\S]*?type = )"striped"/, '$1"zero"');
    const { layout } = await saidOf(editLvm(fixtureDisk('lvm'), zero));
    const between = layout.volumes.find(({ name }) => name === 'vg0/between');
    expect(between).toMatchObject({ how: 'LVM2 zero', content: undefined });
    expect((await between?.source.read(0, 4096))?.equals(Buffer.alloc(4096))).toBe(true);
  });
});

describe('LUKS2', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gvm-edited-'));
  const key = Buffer.from('a passphrase');
  let sound: Buffer;
  beforeAll(() => {
    writeFileSync(join(folder, 'key'), key);
    writeFileSync(join(folder, 'disk'), '');
    truncateSync(join(folder, 'disk'), 17 * 2 ** 20);
    const kdf = ['--pbkdf=pbkdf2', '--pbkdf-force-iterations=1000'];
    execFileSync(findTool('cryptsetup') ?? 'cryptsetup', ['luksFormat', '-q', '--key-file=key', ...kdf, 'disk'], {
      cwd: folder,
      stdio: 'pipe',
    });
    sound = readFileSync(join(folder, 'disk'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  // biome-ignore lint/suspicious/noExplicitAny: the JSON of a header.
  type Edit = (json: any) => void;

  it.each<[string, Edit, string]>([
    [
      'a re-encryption',
      (json) => Object.assign(json.config, { requirements: { mandatory: ['online-reencrypt\x1b'] } }),
      'what it requires: online-reencrypt?',
    ],
    [
      'integrity tags',
      (json) => Object.assign(json.segments[0], { integrity: { type: 'hmac(sha256)' } }),
      'data with integrity tags',
    ],
    [
      'a linear segment',
      (json) => Object.assign(json.segments[0], { type: 'linear' }),
      'a segment of another type than crypt',
    ],
    ['two segments', (json) => Object.assign(json.segments, { 1: json.segments[0] }), 'data in several segments'],
    ['no segment', (json) => Object.assign(json, { segments: {} }), 'it has no segment'],
    ['odd sectors', (json) => Object.assign(json.segments[0], { sector_size: 100 }), 'sectors of 100 bytes'],
    ['an odd size', (json) => Object.assign(json.segments[0], { size: '1000' }), '1000 bytes of data'],
    [
      'another cipher',
      (json) => Object.assign(json.segments[0], { encryption: 'camellia-xts-plain64' }),
      'camellia-xts-plain64',
    ],
    [
      'a cipher without a name',
      (json) => Object.assign(json.segments[0], { encryption: '\x1b' }),
      'a cipher without a name',
    ],
    [
      'another key derivation',
      (json) => Object.assign(json.keyslots[0].kdf, { type: 'scrypt' }),
      'kdf is missing, or not of its kind',
    ],
    [
      'too many rounds',
      (json) => Object.assign(json.keyslots[0].kdf, { iterations: 2 ** 30 }),
      `pbkdf2 with ${2 ** 30} rounds`,
    ],
    ['another hash', (json) => Object.assign(json.keyslots[0].kdf, { hash: 'md5' }), 'the hash md5'],
    [
      'too much memory',
      (json) =>
        Object.assign(json.keyslots[0], {
          kdf: { type: 'argon2id', time: 4, memory: 2 ** 22, cpus: 4, salt: json.keyslots[0].kdf.salt },
        }),
      'argon2id with 4194304 KiB',
    ],
    [
      'no memory',
      (json) =>
        Object.assign(json.keyslots[0], {
          kdf: { type: 'argon2i', time: 4, memory: 1, cpus: 4, salt: json.keyslots[0].kdf.salt },
        }),
      'argon2i with 1 KiB',
    ],
    ['no stripes', (json) => Object.assign(json.keyslots[0].af, { stripes: 0 }), '0 stripes of'],
    ['a slot beyond its area', (json) => Object.assign(json.keyslots[0].area, { size: '512' }), '4000 stripes of'],
    [
      'another digest',
      (json) => Object.assign(json.digests[0], { type: 'argon2i', time: 1, memory: 32, cpus: 1 }),
      'a digest that is no pbkdf2',
    ],
    [
      'a list for an object',
      (json) => Object.assign(json, { keyslots: [] }),
      'keyslots is missing, or not of its kind',
    ],
    [
      'too many slots',
      (json) => {
        for (let i = 0; i < 40; i++) json.keyslots[i] = {};
      },
      '40 keyslots',
    ],
    [
      'a text for a number',
      (json) => Object.assign(json.segments[0], { offset: 'x' }),
      'offset is missing, or not of its kind',
    ],
    [
      'a number for a text',
      (json) => Object.assign(json.segments[0], { encryption: 5 }),
      'encryption is missing, or not of its kind',
    ],
    [
      'a number for a salt',
      (json) => Object.assign(json.keyslots[0].kdf, { salt: 5 }),
      'salt is missing, or not of its kind',
    ],
  ])('with %s ends in an error that says so', async (_, edit, message) => {
    const { said, layout } = await saidOf(editLuks(Buffer.from(sound), edit), [key]);
    expect(said).toContain(message);
    expect(layout.volumes).toHaveLength(1);
  });

  it('does not try slots that are to be ignored, and those first that are preferred', async () => {
    const ignored = await saidOf(
      editLuks(Buffer.from(sound), (json) => Object.assign(json.keyslots[0], { priority: 0 })),
      [key],
    );
    expect(ignored.said).toContain('is not opened by the key given');
    const preferred = await saidOf(
      editLuks(Buffer.from(sound), (json) => Object.assign(json.keyslots[0], { priority: 2 })),
      [key],
    );
    expect(preferred.layout.volumes.map(({ name }) => name)).toEqual(['disk', 'luks:disk']);
  });
});

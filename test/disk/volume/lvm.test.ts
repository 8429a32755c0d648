import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openTree, readLayout } from '../../../src/disk/index.ts';
import { MemorySource } from '../../../src/disk/source/memory.ts';
import { view } from '../../../src/disk/trouble.ts';
import { parseMetadata, type Section } from '../../../src/disk/volume/lvm/text.ts';
import { isTyped, readsAnything } from '../mutate.ts';
import { readAll } from '../read-all.ts';
import { lvmAreas, lvmSum } from './edit.ts';
import { fixtureDisk } from './fixture.ts';
import { contentOfTiny, partsOf } from './tiny.ts';

const layoutOf = (bytes: Buffer) => readLayout(new MemorySource(bytes));
const saidOf = (layout: Awaited<ReturnType<typeof layoutOf>>, name: string) =>
  layout.volumes.find((volume) => volume.name === name)?.diagnostics.map(({ message }) => message);

async function without(...numbers: number[]): Promise<Buffer> {
  const bytes = fixtureDisk('lvm');
  const parts = await partsOf(bytes);
  for (const number of numbers) bytes.fill(0, parts[number - 1]?.start, parts[number - 1]?.end);
  return bytes;
}

describe('a group that lvm2 and a kernel wrote', () => {
  it.each([
    ['linear', 'LVM2 linear', ['p1', 'p2']],
    ['striped', 'LVM2 striped', ['p1', 'p2', 'p3']],
    ['mirrored', 'LVM2 mirror', ['p1', 'p2']],
    ['raid', 'LVM2 raid1', ['p1', 'p2']],
  ])('%s holds what they wrote', async (name, how, on) => {
    const layout = await layoutOf(fixtureDisk('lvm'));
    const volume = layout.volumes.find((one) => one.name === `vg0/${name}`);
    expect(volume).toMatchObject({ how, on, content: 'ext2', diagnostics: [] });
    expect(await contentOfTiny(layout, `vg0/${name}`)).toBe(`in ${name}\n`);
  });

  it('shows what people see, and members as such', async () => {
    const { volumes } = await layoutOf(fixtureDisk('lvm'));
    const names = volumes.map(({ name }) => name).filter((name) => name.startsWith('vg0/'));
    expect(names.sort()).toEqual(
      ['between', 'linear', 'mirrored', 'pool', 'raid', 'snap', 'striped', 'thin'].map((name) => `vg0/${name}`),
    );
    expect(volumes[0]).toMatchObject({ name: 'p1', content: 'LVM2', label: 'vg0', fs: undefined });
    expect(volumes[0]?.uuid).toMatch(/^\w{6}(-\w{4}){5}-\w{6}$/);
  });

  it.each([
    ['snap', 'snapshots'],
    ['thin', 'segments of the type thin'],
    ['pool', 'segments of the type thin-pool'],
  ])('refuses %s by name', async (name, feature) => {
    const layout = await layoutOf(fixtureDisk('lvm'));
    expect(layout.volumes.find((one) => one.name === `vg0/${name}`)?.size).toBeGreaterThan(100_000);
    await expect(openTree(layout, `vg0/${name}`)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining(`gvm does not read ${feature}`),
    });
  });

  it('with a physical volume missing tells it, and reads every copy that is left', async () => {
    for (const number of [1, 2, 3, 4]) {
      const layout = await layoutOf(await without(number));
      for (const name of ['mirrored', 'raid']) expect(await contentOfTiny(layout, `vg0/${name}`)).toBe(`in ${name}\n`);
    }
    const layout = await layoutOf(await without(1));
    expect([...(saidOf(layout, 'vg0/mirrored') ?? []), ...(saidOf(layout, 'vg0/raid') ?? [])].join('\n')).toMatch(
      /1 of its 2 copies are missing/,
    );
    await expect(openTree(layout, 'vg0/linear')).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('its physical volume pv0 is missing'),
    });
    expect(await contentOfTiny(await layoutOf(await without(4)), 'vg0/linear')).toBe('in linear\n');
  });

  it('leaves out the leg of a raid that fell behind', async () => {
    const layout = await layoutOf(fixtureDisk('lvm-stale'));
    expect(await contentOfTiny(layout, 'vg1/raid')).toBe('in lvm-stale\n');
    expect(saidOf(layout, 'vg1/raid')?.join('\n')).toMatch(/leg 0 fell behind and is left out|copies are missing/);
  });

  it('takes the newest text that is sound', async () => {
    const bytes = fixtureDisk('lvm');
    const [first] = await partsOf(bytes);
    const at = bytes.indexOf(' LVM2 x[5A%r0N*>', first?.start) - 4;
    bytes.fill(0, at + 40, at + 48);
    const layout = await layoutOf(bytes);
    expect(layout.volumes[0]?.diagnostics[0]?.message).toMatch(
      /^LVM2 metadata area at offset \d+: its checksum is wrong$/,
    );
    expect(await contentOfTiny(layout, 'vg0/striped')).toBe('in striped\n');
  });

  it('of which a copy is there, too, is read once and told', async () => {
    const bytes = fixtureDisk('lvm');
    const [first, second] = await partsOf(bytes);
    bytes.copy(bytes, second?.start, first?.start, first?.end);
    const layout = await layoutOf(bytes);
    expect(saidOf(layout, 'vg0/between')?.[0]).toBe('p1, p2 say to be one physical volume; p1 is read');
  });
});

describe('the metadata language', () => {
  const parse = (text: string) => parseMetadata(view(Buffer.from(text), 'text', 0));
  const plain = (section: Section): unknown =>
    Object.fromEntries([...section].map(([key, value]) => [key, value instanceof Map ? plain(value) : value]));

  it('is read as lvm2 writes it', () => {
    const text =
      '# made\nvg {\n\tid = "a-\\"b\\\\"\n\tseqno = 7 # x\n\tflags = []\n\ts1 { list = ["p", -1, 2.5] }\n}\ncreation_host = "h"\n\0';
    expect(plain(parse(text))).toEqual({
      vg: { id: 'a-"b\\', seqno: 7, flags: [], s1: { list: ['p', -1, 2.5] } },
      creation_host: 'h',
    });
  });

  it.each([
    'a',
    'a =',
    'a = b',
    'a { ',
    '}',
    'a = [',
    'a = "x',
    '"a" = 1',
    'a = 1 a = 2',
    'a = 99999999999999999999',
    '!',
  ])('refuses %j', (text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'corrupt' }));
  });

  it('ends soon for every text', () => {
    const word = fc.constantFrom('a', '=', '{', '}', '[', ']', ',', '"', '\\', '#', '\n', ' ', '1', '-', '.', '\0');
    fc.assert(
      fc.property(fc.array(word, { maxLength: 200 }), (words) => {
        try {
          parse(words.join(''));
        } catch (error) {
          expect(isTyped(error)).toBe(true);
        }
      }),
    );
    const began = performance.now();
    for (const text of [
      `a = ${' '.repeat(2 ** 20)}!`,
      '# \n'.repeat(2 ** 18),
      `${'a {'.repeat(2 ** 18)}`,
      `"${'\\'.repeat(2 ** 20)}`,
    ]) {
      try {
        parse(text);
      } catch (error) {
        expect(isTyped(error)).toBe(true);
      }
    }
    expect(performance.now() - began).toBeLessThan(10_000);
  });
});

describe('hostile bytes', () => {
  it('end in a result or a typed error, checksums right or wrong', async () => {
    const bytes = fixtureDisk('lvm');
    const parts = await partsOf(bytes);
    const areas = lvmAreas(bytes);
    const textOf = (area: number) => {
      return [area + Number(bytes.readBigUInt64LE(area + 40)), Number(bytes.readBigUInt64LE(area + 48))] as const;
    };
    const places = [
      ...parts.map(({ start }) => [start + 512, 200] as const),
      ...areas.map((area) => [area, 80] as const),
      ...areas.map((area) => textOf(area)),
    ];
    const texts = areas.map(textOf);
    const repair = (disk: Buffer) => {
      for (const [i, area] of areas.entries()) {
        const [at, length] = texts[i] ?? [0, 0];
        disk.writeUInt32LE(lvmSum(disk.subarray(at, at + length)), area + 56);
        disk.writeUInt32LE(lvmSum(disk.subarray(area + 4, area + 512)), area);
      }
      for (const { start } of parts) disk.writeUInt32LE(lvmSum(disk.subarray(start + 532, start + 1024)), start + 528);
    };
    const read = async (source: MemorySource) => {
      for (const { fs } of (await readLayout(source)).volumes) if (fs) await readAll(fs);
    };
    await readsAnything(bytes, places, (source) => read(source as MemorySource), 300, repair);
  });
});

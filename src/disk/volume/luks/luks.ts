import { GvmError } from '../../../errors/index.ts';
import { CachedSource } from '../../source/cached.ts';
import type { BlockSource } from '../../source/source.ts';
import { corrupt, unsupported, view } from '../../trouble.ts';
import type { Made, Member, MemberNote, VolumeManager } from '../manager.ts';
import { openCipher } from './cipher.ts';
import { deriveLimits } from './derive.ts';
import { type LuksHead, locked } from './head.ts';
import { DecryptedSource } from './source.ts';
import { unlock } from './unlock.ts';
import { LUKS1_SIZE, readLuks1 } from './version-1.ts';
import { PRIMARY, readLuks2, SECONDARY } from './version-2.ts';

const CACHE = 2 ** 23;
const USUAL_SIZE = 16_384;

/** LUKS, the encrypted volumes of Linux. */
export const luks: VolumeManager<LuksHead> = {
  name: 'luks',
  async probe(source, signal) {
    if (source.size < 4096) return undefined;
    const header = view(await source.read(0, LUKS1_SIZE, signal), 'LUKS header', 0);
    if (header.slice(0, 6).toString('latin1') !== PRIMARY) {
      // Where the beginning was overwritten the second header of LUKS2 is left, at its usual place.
      const second = source.size >= 2 * USUAL_SIZE && (await source.read(USUAL_SIZE, 6, signal)).toString('latin1');
      return second === SECONDARY ? readLuks2(source, signal) : undefined;
    }
    const version = header.u16be(6);
    if (version === 1) return readLuks1(header);
    if (version === 2) return readLuks2(source, signal);
    throw unsupported('LUKS volume', `version ${version}`);
  },
  place: () => 0,
  describe: ({ version, uuid, label }) => ({ content: `LUKS${version}`, uuid, label }),
  async assemble(members, { keys, signal }) {
    const made: Made[] = [];
    const notes: MemberNote[] = [];
    for (const member of members) {
      const { name, head } = member;
      const note: MemberNote = { name, diagnostics: head.diagnostics };
      notes.push(note);
      try {
        const source = await open(member, keys, signal);
        if (source) {
          const how = `LUKS${head.version} ${head.data.encryption}`;
          made.push({ name: `luks:${name}`, how, on: [name], source, diagnostics: [] });
        } else {
          note.content = `LUKS${head.version}, locked`;
          note.reason = locked(name, head, keys.length);
        }
      } catch (error) {
        if (!(error instanceof GvmError)) throw error;
        note.reason = error;
      }
    }
    return { made, notes };
  },
};

async function open(
  { head, source }: Member<LuksHead>,
  keys: readonly Buffer[],
  signal?: AbortSignal,
): Promise<BlockSource | undefined> {
  if (head.refused) throw unsupported('LUKS volume', head.refused);
  const key = await unlock(head, source, keys.flatMap(passphrasesOf), deriveLimits, signal);
  if (!key) return undefined;
  const { offset, encryption, sectorSize, ivTweak } = head.data;
  const most = source.size - offset;
  const size = head.data.size ?? most - (most % sectorSize);
  if (size <= 0 || size > most || size % sectorSize !== 0)
    throw corrupt('LUKS volume', offset, `${size} bytes of data`);
  const decrypt = openCipher(encryption, key, sectorSize);
  const clear = new DecryptedSource(source, offset, size, sectorSize, ivTweak, decrypt);
  return new CachedSource(clear, { capacity: CACHE });
}

/** A key file is taken as it is; a line that an editor ended is a passphrase without its end, too. */
function passphrasesOf(key: Buffer): Buffer[] {
  return key.at(-1) === 0x0a && key.length > 1 ? [key, key.subarray(0, -1)] : [key];
}

// Reads: the blobs of rpm's own database form, Packages.db. Specification: lib/backend/ndb/rpmpkg.c of rpm. Not read: the
// index (Index.db), which is for searching.
import { damaged } from './damage.ts';

const PAGE = 4096;
const SLOT = 16;
const BLOCK = 16;
const HEAD = 16;
const TAIL = 12;

/** The header blobs of all packages. @throws GvmError `corrupt` */
export function* ndbBlobs(database: Buffer): Generator<Buffer> {
  if (database.length < PAGE || database.toString('latin1', 0, 4) !== 'RpmP') throw damaged('it is no Packages.db');
  if (database.readUInt32LE(4) !== 0) throw damaged(`version ${database.readUInt32LE(4)} is not known`);
  const slots = Math.min(database.readUInt32LE(12) * PAGE, database.length);
  // The header takes the place of the first two slots.
  for (let at = 2 * SLOT; at + SLOT <= slots; at += SLOT) {
    if (database.toString('latin1', at, at + 4) !== 'Slot') throw damaged(`the slot at ${at} has no mark`);
    const [index, block, blocks] = [4, 8, 12].map((offset) => database.readUInt32LE(at + offset)) as [
      number,
      number,
      number,
    ];
    if (block === 0) continue;
    const from = block * BLOCK;
    const end = from + blocks * BLOCK;
    if (end > database.length || blocks * BLOCK < HEAD + TAIL) throw damaged(`package ${index} has no room`);
    const length = database.readUInt32LE(from + 12);
    const right = database.toString('latin1', from, from + 4) === 'BlbS' && database.readUInt32LE(from + 4) === index;
    if (!right || from + HEAD + length + TAIL > end) throw damaged(`the blob of package ${index} at ${from} is none`);
    yield database.subarray(from + HEAD, from + HEAD + length);
  }
}

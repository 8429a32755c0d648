import type { PoweredOff } from '../offline/disk.ts';
import { type RpmPackage, readRpmHeader } from './header.ts';
import { ndbBlobs } from './ndb.ts';
import { tableRows } from './sqlite.ts';

const FOLDERS = ['/usr/lib/sysimage/rpm', '/var/lib/rpm'];
const LARGEST = 512 * 2 ** 20;

/**
 * The packages of rpm's database in its SQLite or its own form; undefined where the disk has none of these.
 * @throws GvmError `corrupt`, `unsupported` (larger than 512 MiB)
 */
export async function readRpmPackages(disk: PoweredOff): Promise<RpmPackage[] | undefined> {
  for (const folder of FOLDERS) {
    const sqlite = await disk.read(`${folder}/rpmdb.sqlite`, LARGEST);
    if (sqlite) return fromSqlite(sqlite, await disk.read(`${folder}/rpmdb.sqlite-wal`, LARGEST));
    const ndb = await disk.read(`${folder}/Packages.db`, LARGEST);
    if (ndb) return [...ndbBlobs(ndb)].map(readRpmHeader);
  }
  return undefined;
}

/** The table Packages has a number and a header in each row (lib/backend/sqlite.c of rpm). */
function fromSqlite(database: Buffer, log: Buffer | undefined): RpmPackage[] {
  const packages: RpmPackage[] = [];
  for (const [, blob] of tableRows(database, log, 'Packages'))
    if (Buffer.isBuffer(blob)) packages.push(readRpmHeader(blob));
  return packages;
}

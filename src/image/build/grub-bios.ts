// GRUB for the BIOS: boot.img in the code area of the protective MBR, core.img in a BIOS boot partition. What is where in
// both stands in GRUB's sources: include/grub/i386/pc/boot.h, grub-core/boot/i386/pc/diskboot.S, util/setup.c.
// Not written: Reed-Solomon codes over core.img.
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { shellQuote } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import type { Recipe } from '../../schema/index.ts';
import { readMember } from './tar-read.ts';
import type { TarMember } from './tar-write.ts';

/** Debian's packages with GRUB for the BIOS, and with its grub-mkimage and the one library that a root may lack. */
export const grubBiosPackages = ['grub-pc-bin', 'grub-common', 'libdevmapper1.02.1'] as const;

/** Where core.img is made in the root tree, so that no GRUB of the host is needed; nothing of it is left in the image. */
export const grubFolder = 'usr/lib/gvm-grub';
const CORE = `${grubFolder}/core.img`;
/** In the unpacked packages. */
const MODULE_FOLDER = 'usr/lib/grub/i386-pc';

/** What finds and runs the menu, then what a person at GRUB's prompt needs. GRUB loads no modules from the disk. */
const MODULES = [
  ...['biosdisk', 'part_gpt', 'fat', 'ext2', 'xfs', 'normal', 'configfile', 'search', 'search_fs_uuid', 'serial'],
  ...['terminal', 'linux', 'echo', 'ls', 'cat', 'reboot', 'halt'],
];

const SECTOR = 512;
/** Of boot.img: where core.img begins, as a sector; the drive, 0xff for the one that the BIOS names; a jump over its check. */
const [CORE_SECTOR, DRIVE, DRIVE_CHECK] = [0x5c, 0x64, 0x66];
/** The signature and the table of the MBR, which stay as they are, begin here. */
const CODE_END = 440;
/** The first block of the list at the end of core.img's first sector: start and count of the sectors after it. */
const BLOCK = SECTOR - 12;
/** core.img is read to 8200h and must end below 78000h. */
const MOST = 0x78000 - 0x8200;

/**
 * What goes over the packages of a root tree, and the command that makes core.img of it there.
 * @throws GvmError `image-build` where the unpacked packages have no GRUB for the BIOS
 */
export async function coreBuild(recipe: Recipe, loader: string): Promise<{ members: TarMember[]; command: string }> {
  const files = (await readdir(loader, { recursive: true })).filter(
    (path) =>
      /^usr\/bin\/grub-mkimage$|\.so\.[\d.]+$/.test(path) || (dirname(path) === MODULE_FOLDER && /\.\w+$/.test(path)),
  );
  for (const needed of ['usr/bin/grub-mkimage', `${MODULE_FOLDER}/boot.img`]) {
    if (files.includes(needed)) continue;
    throw new GvmError({
      code: 'image-build',
      message: `the packages for the loader have no ${needed}, which disk.biosBoot needs`,
      hint: `a package list that was recorded without ${grubBiosPackages.join(', ')}: build without --packages`,
    });
  }
  const members = await Promise.all(
    files.map(async (path): Promise<TarMember> => {
      const name = `${grubFolder}/${basename(path)}`;
      return { path: name, kind: 'file', mode: 0o755, bytes: await readFile(join(loader, path)) };
    }),
  );
  const { partitions } = recipe.disk;
  const esp = partitions.findIndex(({ type }) => type === 'esp') + 1;
  const menu = dirname(recipe.boot.grub?.config ?? '/grub.cfg');
  // In a fakechroot paths are the host's for the dynamic linker.
  const libraries = `\${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$FAKECHROOT_BASE/${grubFolder}`;
  // A device without a disk is on the disk that the BIOS started.
  const options = `-O i386-pc -d /${grubFolder} -p ${shellQuote(`(,gpt${esp})${menu}`)} -o /${CORE}`;
  const command = `LD_LIBRARY_PATH="${libraries}" /${grubFolder}/grub-mkimage ${options} ${MODULES.join(' ')}`;
  return { members: members.sort((a, b) => (a.path < b.path ? -1 : 1)), command };
}

/** The BIOS boot partition, in sectors of 512 bytes. */
interface Place {
  sector: number;
  sectors: number;
}

/** Where GRUB stands on a disk: `code` at its begin, `area` from `sector` on. */
export interface EmbeddedGrub {
  code: Uint8Array;
  area: Uint8Array;
  sector: number;
}

/** GRUB as it lies on the disk: boot.img of the unpacked packages, core.img of the archive of a root tree. */
export async function readGrub(loader: string, archive: string, place: Place): Promise<EmbeddedGrub> {
  return embedGrub(await readFile(join(loader, MODULE_FOLDER, 'boot.img')), await readMember(archive, CORE), place);
}

/** Ties boot.img and core.img together as they lie on the disk. Pure. @throws GvmError `image-build` */
export function embedGrub(boot: Uint8Array, core: Uint8Array, place: Place): EmbeddedGrub {
  const most = Math.min(MOST, place.sectors * SECTOR);
  if (boot.length !== SECTOR || core.length <= SECTOR || core.length > most) {
    const found = `found ${boot.length} and ${core.length}`;
    const message = `expected a boot.img of ${SECTOR} bytes and a core.img of ${SECTOR} to ${most} bytes, ${found}`;
    throw new GvmError({ code: 'image-build', message });
  }
  const sectors = Math.ceil(core.length / SECTOR);
  const code = Buffer.from(boot.subarray(0, CODE_END));
  code.writeBigUInt64LE(BigInt(place.sector), CORE_SECTOR);
  code[DRIVE] = 0xff;
  code.fill(0x90, DRIVE_CHECK, DRIVE_CHECK + 2);
  const area = Buffer.alloc(sectors * SECTOR);
  area.set(core);
  area.writeBigUInt64LE(BigInt(place.sector + 1), BLOCK);
  area.writeUInt16LE(sectors - 1, BLOCK + 8);
  return { code, area, sector: place.sector };
}

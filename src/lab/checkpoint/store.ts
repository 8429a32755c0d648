import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../core/index.ts';
import { isSameProcess, type ProcessIdentity, processIdentity } from '../../process/index.ts';
import { type CheckpointManifest, checkpointSchema } from '../../schema/index.ts';
import { writing } from '../disk-file.ts';
import type { Checkpoint } from './checkpoint.ts';
import { fileDigest } from './digest.ts';

/** Bytes that checkpoints may take on the disk; beyond, those that were not used for longest go. */
const LIMIT = 8 * 2 ** 30;
const KEY = /^[0-9a-f]{64}$/;
const MANIFEST = 'checkpoint.json';

/** A stored checkpoint, as `gvm checkpoint list` shows it. */
export interface StoredCheckpoint {
  manifest: CheckpointManifest;
  /** Bytes on the disk, holes not counted. */
  bytes: number;
  usedAt: Date;
  /** A gvm that lives uses it. */
  inUse: boolean;
}

/** What is known of a guest before it is frozen, and what puts its files into an empty folder. */
type About = Omit<CheckpointManifest, 'version' | 'files' | 'madeAt' | 'console'>;
type Fill = (folder: string) => Promise<Pick<CheckpointManifest, 'console'>>;

/**
 * The checkpoints below gvm's home folder: `checkpoints/KEY/` is whole once it has a manifest. Every file is of one user
 * and host, and holds the secrets of a guest: nothing of it is packed, cached by CI or copied elsewhere.
 */
export class CheckpointStore implements Disposable {
  readonly #folder: string;
  readonly #log: Log;
  readonly #limit: number;
  /** What this process has found whole. */
  readonly #verified = new Map<string, Checkpoint>();
  readonly #used = new Set<string>();

  /** @param limit bytes on the disk that all of them may take together */
  constructor(home: string, log: Log, limit = LIMIT) {
    this.#limit = limit;
    this.#folder = join(home, 'checkpoints');
    this.#log = log;
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    this.#sweep();
  }

  /**
   * A checkpoint that is whole, to the last byte; it stays as long as this process lives. One that is not is removed,
   * said aloud, and counts as absent.
   */
  async find(key: string, signal: AbortSignal): Promise<Checkpoint | undefined> {
    const known = this.#verified.get(key);
    if (known) return known;
    const folder = join(this.#folder, key);
    if (!existsSync(folder)) return undefined;
    this.#use(key);
    const trouble = await this.#examine(folder, signal);
    if (typeof trouble !== 'string') {
      const checkpoint = { folder, manifest: trouble };
      const now = new Date();
      utimesSync(folder, now, now);
      this.#verified.set(key, checkpoint);
      return checkpoint;
    }
    this.#log.warn(`a checkpoint was discarded and is made anew: ${trouble}`);
    await this.#discard(key);
    return undefined;
  }

  /** Makes a checkpoint by `fill`, which puts files into a folder. Where another gvm was faster, its one is taken. */
  async make(about: About, fill: Fill, signal: AbortSignal): Promise<Checkpoint> {
    const { key } = about;
    const work = join(this.#folder, `.work-${process.pid}-${randomBytes(4).toString('hex')}`);
    const folder = join(this.#folder, key);
    await mkdir(work, { mode: 0o700 });
    try {
      const found = await writing(work, () => fill(work));
      const files: Record<string, string> = {};
      for (const file of (await readdir(work)).sort()) files[file] = await fileDigest(join(work, file), signal);
      const manifest: CheckpointManifest = { version: 1, ...about, ...found, madeAt: new Date().toISOString(), files };
      const text = `${JSON.stringify(manifest, null, 2)}\n`;
      await writing(work, () => writeFile(join(work, MANIFEST), text, { mode: 0o600, flush: true }));
      this.#use(key);
      await rename(work, folder).then(
        () => this.#verified.set(key, { folder, manifest }),
        (error: NodeJS.ErrnoException) => {
          if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
        },
      );
    } finally {
      await rm(work, { recursive: true, force: true });
    }
    await this.#evict();
    const made = await this.find(key, signal);
    if (made) return made;
    throw new Error(`the checkpoint ${key} was damaged as soon as it was made`);
  }

  /** Makes one by `fill` that serves this process alone and is not listed; it stays until it is dropped. */
  async hold(about: About, fill: Fill): Promise<Checkpoint> {
    const folder = join(this.#folder, `.run-${process.pid}-${randomBytes(4).toString('hex')}`);
    await mkdir(folder, { mode: 0o700 });
    try {
      const found = await writing(folder, () => fill(folder));
      const manifest: CheckpointManifest = {
        version: 1,
        ...about,
        ...found,
        madeAt: new Date().toISOString(),
        files: {},
      };
      return { folder, manifest, held: true };
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Removes one that was held. */
  async drop({ folder }: Checkpoint): Promise<void> {
    await rm(folder, { recursive: true, force: true });
  }

  /** Says that this process uses none any more. */
  [Symbol.dispose](): void {
    for (const key of this.#used) rmSync(this.#usePath(key), { force: true });
  }

  /** All that are whole, the last used first. */
  async list(): Promise<StoredCheckpoint[]> {
    const keys = (await readdir(this.#folder)).filter((name) => KEY.test(name));
    const found = await Promise.all(keys.map((key) => this.#describe(key)));
    return found.filter((c) => c !== undefined).sort((a, b) => b.usedAt.getTime() - a.usedAt.getTime());
  }

  /** Removes one; false where there is none. */
  async remove(key: string): Promise<boolean> {
    if (!KEY.test(key) || !existsSync(join(this.#folder, key))) return false;
    await this.#discard(key);
    return true;
  }

  async #describe(key: string): Promise<StoredCheckpoint | undefined> {
    const folder = join(this.#folder, key);
    const manifest = readManifest(folder);
    if (typeof manifest === 'string') return undefined;
    const sizes = await Promise.all(
      (await readdir(folder)).map(async (file) => (await stat(join(folder, file))).blocks),
    );
    const bytes = sizes.reduce((sum, blocks) => sum + blocks * 512, 0);
    return { manifest, bytes, usedAt: (await stat(folder)).mtime, inUse: this.#users(key).length > 0 };
  }

  /** The manifest of a whole checkpoint, or what is wrong with it. */
  async #examine(folder: string, signal: AbortSignal): Promise<CheckpointManifest | string> {
    const manifest = readManifest(folder);
    if (typeof manifest === 'string') return manifest;
    for (const [file, digest] of Object.entries(manifest.files)) {
      const found = await fileDigest(join(folder, file), signal).catch((error: NodeJS.ErrnoException) => {
        signal.throwIfAborted();
        return `cannot be read (${error.code})`;
      });
      if (found !== digest) return `its ${file} is not what was written`;
    }
    return manifest;
  }

  /** Keeps the store below its limit; what a living gvm uses stays. */
  async #evict(): Promise<void> {
    const all = await this.list();
    let total = all.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { manifest, bytes, inUse } of all.reverse()) {
      if (total <= this.#limit) return;
      if (inUse) continue;
      await this.#discard(manifest.key);
      total -= bytes;
    }
  }

  async #discard(key: string): Promise<void> {
    this.#verified.delete(key);
    const old = join(this.#folder, `.old-${process.pid}-${key}`);
    await rename(join(this.#folder, key), old).catch(() => {});
    await rm(old, { recursive: true, force: true });
    rmSync(this.#usePath(key), { force: true });
  }

  #usePath(key: string): string {
    return join(this.#folder, `.use-${process.pid}-${key}`);
  }

  /** Says that this process uses a checkpoint; the note counts as long as the process lives. */
  #use(key: string): void {
    this.#used.add(key);
    writeFileSync(this.#usePath(key), JSON.stringify(processIdentity(process.pid)), { mode: 0o600 });
  }

  #users(key: string): string[] {
    return readdirSync(this.#folder).filter(
      (name) => name.startsWith('.use-') && name.endsWith(key) && this.#lives(name),
    );
  }

  #lives(note: string): boolean {
    try {
      return isSameProcess(JSON.parse(readFileSync(join(this.#folder, note), 'utf8')) as ProcessIdentity);
    } catch {
      return false;
    }
  }

  /** Removes what a gvm that was killed left behind. */
  #sweep(): void {
    for (const name of readdirSync(this.#folder)) {
      const [, kind, pid] = /^\.(work|old|use|run)-(\d+)-/.exec(name) ?? [];
      if (pid === undefined) continue;
      const gone = kind === 'use' ? !this.#lives(name) : processIdentity(Number(pid)) === undefined;
      if (gone) rmSync(join(this.#folder, name), { recursive: true, force: true });
    }
  }
}

function readManifest(folder: string): CheckpointManifest | string {
  try {
    if ((statSync(folder).mode & 0o077) !== 0) return 'others may enter its folder';
    return checkpointSchema.parse(JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8')));
  } catch {
    return 'it has no readable checkpoint.json';
  }
}

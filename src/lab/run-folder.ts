import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Log } from '../core/index.ts';
import { isSameProcess, type ProcessIdentity, processIdentity, reapChildren, reapScratch } from '../process/index.ts';

/** The folders of one run: `runtime/RUN` for sockets and records, `home/runs/RUN` for what its guests write. */
export interface RunFolders {
  run: string;
  /** Sockets, the owner's record, records of children; 0700. */
  runtime: string;
  /** A folder for each guest; 0700. */
  guests: string;
  /** Where the records of QEMU processes go. */
  children: string;
  broker: string;
  channels: string;
  consoles: string;
}

/** A process that owns guests, as `gvm ps` finds it. */
export interface Owner extends Pick<RunFolders, 'run' | 'broker' | 'channels' | 'consoles'> {
  process: ProcessIdentity;
}

const RUN = /^[0-9a-f]{8}$/;
/** A runtime folder that is being made, with the number of the process. */
const UNNAMED = /^[0-9a-f]{8}\.(\d+)$/;
/** Runs with kept guests that stay; older ones are removed. */
const MOST_KEPT = 5;

function foldersOf(roots: { home: string; runtime: string }, run: string): RunFolders {
  const runtime = join(roots.runtime, run);
  return {
    run,
    runtime,
    guests: join(roots.home, 'runs', run),
    children: join(runtime, 'children'),
    broker: join(runtime, 'broker.sock'),
    channels: join(runtime, 'guests.sock'),
    consoles: join(runtime, 'serial.sock'),
  };
}

/**
 * Makes the folders of a new run, owned by this process. The runtime folder gets its name when the owner's record is in
 * it, so that no reaper sees it without one.
 */
export function createRunFolders(roots: { home: string; runtime: string }): RunFolders {
  const folders = foldersOf(roots, randomBytes(4).toString('hex'));
  const unnamed = `${folders.runtime}.${process.pid}`;
  mkdirSync(unnamed, { recursive: true, mode: 0o700 });
  writeOwner(unnamed);
  mkdirSync(join(unnamed, 'children'), { mode: 0o700 });
  renameSync(unnamed, folders.runtime);
  mkdirSync(folders.guests, { recursive: true, mode: 0o700 });
  writeOwner(folders.guests);
  return folders;
}

/**
 * Removes a run's folders.
 * @param kept guests whose folder stays; a run folder without an owner's record holds nothing else
 */
export function removeRunFolders(folders: RunFolders, kept: readonly string[]): void {
  if (kept.length === 0) rmSync(folders.guests, { recursive: true, force: true });
  else {
    for (const name of readdirSync(folders.guests)) if (!kept.includes(name)) removeGuestFolder(folders, name);
  }
  rmSync(folders.runtime, { recursive: true, force: true });
}

export function removeGuestFolder(folders: RunFolders, guest: string): void {
  rmSync(join(folders.guests, guest), { recursive: true, force: true });
}

/** The owners that live. */
export function listOwners(runtime: string): Owner[] {
  return runsBelow(runtime).flatMap((run) => {
    const { broker, channels, consoles } = foldersOf({ home: '', runtime }, run);
    const owner = readOwner(join(runtime, run));
    return owner && isSameProcess(owner) ? [{ run, process: owner, broker, channels, consoles }] : [];
  });
}

/**
 * Ends the guests of owners that were killed, by their recorded identity, and removes their folders and scratch files.
 * Of the guests that were kept on purpose the newest stay.
 */
export async function reapRuns(roots: { home: string; runtime: string }, log: Log): Promise<void> {
  for (const run of runsBelow(roots.runtime)) {
    const folders = foldersOf(roots, run);
    const owner = readOwner(folders.runtime);
    if (!owner || isSameProcess(owner)) continue;
    const ended = existsSync(folders.children) ? await reapChildren(folders.children) : [];
    removeRunFolders(folders, []);
    log.detail(`removed what run ${run} left behind${ended.length > 0 ? ` and ended QEMU ${ended.join(', ')}` : ''}`);
  }
  for (const name of existsSync(roots.runtime) ? readdirSync(roots.runtime) : []) {
    const pid = UNNAMED.exec(name)?.[1];
    if (pid && !processIdentity(Number(pid))) rmSync(join(roots.runtime, name), { recursive: true, force: true });
  }
  reapGuestFolders(join(roots.home, 'runs'));
  reapScratch();
}

/** Runs whose runtime folder is gone with an earlier boot of the host, and the oldest kept ones. */
function reapGuestFolders(runs: string): void {
  const kept: { folder: string; at: number }[] = [];
  for (const run of runsBelow(runs)) {
    const folder = join(runs, run);
    const owner = readOwner(folder);
    if (owner && owner.host === hostname() && !isSameProcess(owner)) rmSync(folder, { recursive: true, force: true });
    if (!owner) kept.push({ folder, at: statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0 });
  }
  const oldest = kept.sort((a, b) => b.at - a.at).slice(MOST_KEPT);
  for (const { folder } of oldest) rmSync(folder, { recursive: true, force: true });
}

function runsBelow(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => RUN.test(name)) : [];
}

function writeOwner(folder: string): void {
  const owner = join(folder, 'owner.json');
  writeFileSync(`${owner}.part`, JSON.stringify({ ...processIdentity(process.pid), host: hostname() }), {
    mode: 0o600,
  });
  renameSync(`${owner}.part`, owner);
}

function readOwner(folder: string): (ProcessIdentity & { host: string }) | undefined {
  try {
    const { pid, startTime, boot, host } = JSON.parse(readFileSync(join(folder, 'owner.json'), 'utf8'));
    if (typeof pid !== 'number' || typeof startTime !== 'string' || typeof boot !== 'string') return undefined;
    return { pid, startTime, boot, host: String(host) };
  } catch {
    // Kept, foreign or just being removed: not an owner.
    return undefined;
  }
}

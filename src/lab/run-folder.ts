import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../core/index.ts';
import { isSameProcess, type ProcessIdentity, processIdentity, reapChildren } from '../process/index.ts';

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
}

/** A process that owns guests, as `gvm ps` finds it. */
export interface Owner {
  run: string;
  process: ProcessIdentity;
  broker: string;
}

const RUN = /^[0-9a-f]{8}$/;

function foldersOf(roots: { home: string; runtime: string }, run: string): RunFolders {
  const runtime = join(roots.runtime, run);
  return {
    run,
    runtime,
    guests: join(roots.home, 'runs', run),
    children: join(runtime, 'children'),
    broker: join(runtime, 'broker.sock'),
  };
}

/** Makes the folders of a new run, owned by this process. The owner's record comes first: it is what a reaper reads. */
export function createRunFolders(roots: { home: string; runtime: string }): RunFolders {
  const folders = foldersOf(roots, randomBytes(4).toString('hex'));
  mkdirSync(folders.runtime, { recursive: true, mode: 0o700 });
  const owner = join(folders.runtime, 'owner.json');
  writeFileSync(`${owner}.part`, JSON.stringify(processIdentity(process.pid)), { mode: 0o600 });
  renameSync(`${owner}.part`, owner);
  mkdirSync(folders.children, { mode: 0o700 });
  mkdirSync(folders.guests, { recursive: true, mode: 0o700 });
  return folders;
}

/**
 * Removes a run's folders.
 * @param kept guests whose folder stays
 */
export function removeRunFolders(folders: RunFolders, kept: readonly string[]): void {
  if (kept.length === 0) rmSync(folders.guests, { recursive: true, force: true });
  else {
    for (const name of readdirSync(folders.guests)) {
      if (!kept.includes(name)) rmSync(join(folders.guests, name), { recursive: true, force: true });
    }
  }
  rmSync(folders.runtime, { recursive: true, force: true });
}

/** The owners that live. */
export function listOwners(runtime: string): Owner[] {
  return runsBelow(runtime).flatMap((run) => {
    const { broker } = foldersOf({ home: '', runtime }, run);
    const owner = readOwner(join(runtime, run));
    return owner && isSameProcess(owner) ? [{ run, process: owner, broker }] : [];
  });
}

/** Ends the guests of owners that were killed, by their recorded identity, and removes their folders. */
export async function reapRuns(roots: { home: string; runtime: string }, log: Log): Promise<void> {
  for (const run of runsBelow(roots.runtime)) {
    const folders = foldersOf(roots, run);
    const owner = readOwner(folders.runtime);
    // A folder without a record is being made by another gvm, or was left by one that died in that moment.
    if (!owner || isSameProcess(owner)) continue;
    const ended = existsSync(folders.children) ? await reapChildren(folders.children) : [];
    removeRunFolders(folders, []);
    log.detail(`removed what run ${run} left behind${ended.length > 0 ? ` and ended QEMU ${ended.join(', ')}` : ''}`);
  }
}

function runsBelow(runtime: string): string[] {
  return existsSync(runtime) ? readdirSync(runtime).filter((name) => RUN.test(name)) : [];
}

function readOwner(folder: string): ProcessIdentity | undefined {
  try {
    const { pid, startTime, boot } = JSON.parse(readFileSync(join(folder, 'owner.json'), 'utf8'));
    if (typeof pid === 'number' && typeof startTime === 'string' && typeof boot === 'string') return { pid, startTime, boot };
  } catch {
    // Half-made or foreign: not an owner.
  }
  return undefined;
}

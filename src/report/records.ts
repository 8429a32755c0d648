import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type RunRecord, runSchema } from '../schema/index.ts';
import { replaceFile } from './replace-file.ts';

/** Runs of a project that are kept; of older ones the newest that went well stays too. */
const KEPT = 20;
/** Projects that are remembered: those that ran last. Checkouts of CI have a new path each time. */
const PROJECTS = 50;
const LARGEST = 16 * 2 ** 20;

/** What gvm remembers of a project's earlier runs: their records without output, a bounded number of them. */
export interface RunRecords {
  /** Newest first. What cannot be read or is of another version is left out. */
  list(): Promise<RunRecord[]>;
  /** Keeps a run, whose secrets are masked already, and forgets the oldest. */
  add(run: RunRecord): Promise<void>;
}

/**
 * The records below gvm's home folder.
 * @param project the folder that makes runs comparable: where gvm.yaml lies
 */
export function openRecords(home: string, project: string): RunRecords {
  const all = join(home, 'records');
  const folder = join(all, createHash('sha256').update(project).digest('hex').slice(0, 16));
  const names = async (): Promise<string[]> => {
    const found = await readdir(folder).catch(() => []);
    return found.filter((name) => name.endsWith('.json')).sort((a, b) => (a < b ? 1 : -1));
  };
  return {
    async list() {
      const records: RunRecord[] = [];
      for (const name of await names()) {
        const record = await readRecord(join(folder, name));
        if (record) records.push(record);
      }
      return records;
    },
    async add(run) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      // The name says when, and whether it went well, so that nothing needs to be opened to forget it.
      const name = `${run.started.replaceAll(/[^0-9]/g, '')}-${run.exitCode === 0 ? 'good' : 'bad'}-${run.id}.json`;
      await replaceFile(join(folder, name), JSON.stringify(withoutOutput(run)));
      const known = await names();
      const lastGood = known.find((other) => other.includes('-good-'));
      for (const old of known.slice(KEPT)) {
        if (old !== lastGood) await rm(join(folder, old), { force: true });
      }
      await forgetProjects(all);
    },
  };
}

async function forgetProjects(all: string): Promise<void> {
  const names = await readdir(all);
  if (names.length <= PROJECTS) return;
  const folders = await Promise.all(
    names.map(async (name) => {
      const path = join(all, name);
      return { path, changed: (await stat(path)).mtimeMs };
    }),
  );
  folders.sort((a, b) => b.changed - a.changed);
  for (const { path } of folders.slice(PROJECTS)) await rm(path, { recursive: true, force: true });
}

async function readRecord(path: string): Promise<RunRecord | undefined> {
  try {
    const text = await readFile(path, 'utf8');
    return text.length > LARGEST ? undefined : runSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** A record as it is compared with later ones: what a run printed is no part of that. */
function withoutOutput(run: RunRecord): RunRecord {
  return {
    ...run,
    environment: {},
    guests: run.guests.map((guest) => ({ ...guest, argv: [], boot: { ...guest.boot, evidence: [] }, health: [] })),
    suites: run.suites.map((suite) => ({
      ...suite,
      tests: suite.tests.map((test) => ({ ...test, failures: [], commands: [], diagnostics: [] })),
    })),
  };
}

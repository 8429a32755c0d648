import { openStore } from '../image/index.ts';
import {
  createMask,
  type Mask,
  openRecords,
  type ProgressEvent,
  type Reporter,
  renderProgress,
  withHistory,
  writeReports,
} from '../report/index.ts';
import type { RunRecord } from '../schema/index.ts';
import type { Context } from './command.ts';

/** Where the progress of a run is shown while it runs: on standard output, unless that is for a document or nothing. */
export function progressTo(context: Context, mask: Mask): (event: ProgressEvent) => void {
  if (context.flag('json') || context.verbosity < 0) return () => {};
  const options = { color: context.color, verbose: context.verbosity > 0 };
  return (event) => {
    const line = renderProgress(mask.value(event), options);
    if (line !== undefined) context.print(line);
  };
}

export interface PublishOptions {
  /** The folder of the reports. */
  output: string;
  reporters: readonly Reporter[];
  secrets: readonly string[];
}

/**
 * What follows a run: secrets are masked, packages and history added, reports written, the run remembered.
 * @returns the run as its reports show it, and their paths
 */
export async function publish(context: Context, run: RunRecord, options: PublishOptions) {
  const { home } = await context.state();
  const records = openRecords(home, (await context.settings()).root);
  const known = await withPackages(createMask(options.secrets).value(run), home);
  const record = withHistory(known, await records.list());
  const reports = await writeRun(context, record, options);
  if (!record.interrupted) {
    await records.add(record).catch((error: Error) => {
      context.log.warn(`the run could not be remembered: ${error.message}`);
    });
  }
  return { record, reports };
}

/** Writes the reports of a run. @returns their paths */
export function writeRun(context: Context, record: RunRecord, options: PublishOptions): Promise<string[]> {
  return writeReports(record, {
    folder: options.output,
    reporters: options.reporters,
    secrets: options.secrets,
    stepSummary: process.env.GITHUB_STEP_SUMMARY || undefined,
    // Beside a JSON document there is no place for anything else; GitHub's runner reads both streams.
    print: (text) => void (context.flag('json') ? process.stderr : process.stdout).write(text),
  });
}

/** What the images of the store were built of. */
async function withPackages(run: RunRecord, home: string): Promise<RunRecord> {
  const stored = await openStore(home).list();
  const guests = run.guests.map((guest) => {
    const image = stored.find(({ name, digest }) => name === guest.image.name && digest === guest.image.digest);
    if (!image) return guest;
    const packages = Object.fromEntries(image.manifest.list.packages.map(({ name, version }) => [name, version]));
    return { ...guest, image: { ...guest.image, packages } };
  });
  return { ...run, guests };
}

import type { RunRecord } from '../schema/index.ts';

/** The console logs of a run, masked and bounded, by the name of their guest. */
export type Consoles = ReadonlyMap<string, string>;

/** Pictures of screens (PNG) of boots that died, by the name of their guest. */
export type Pictures = ReadonlyMap<string, Buffer>;

/** Where one text of a reporter goes: a file of the output folder, standard output, or the job summary of GitHub. */
export type Destination = { file: string } | 'stdout' | 'step-summary';

/** One form of a run's results. Each text is a pure function of the run's record, whose secrets are masked already. */
export interface Reporter {
  name: string;
  /** What it writes, in a few words. */
  about: string;
  outputs: readonly { to: Destination; render(run: RunRecord, consoles: Consoles, pictures: Pictures): string }[];
}

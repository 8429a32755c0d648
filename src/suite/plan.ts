import type { ChannelKey, Identity, MachineKeys, MatrixKeys, NeedsDocument } from '../schema/index.ts';

type Path = readonly (string | number)[];

/** Line and column of every key and value of a declaration, by the JSON text of its path in the document. */
export type PositionTable = Readonly<Record<string, readonly [line: number, column: number]>>;

/** How long a check is asked again until it holds; milliseconds before scaling. */
export interface Eventually {
  within: number;
  every: number;
}

/** A failure that is known; after `until` it counts as any other. */
export interface Xfail {
  reason: string;
  tracker?: string | undefined;
  until?: string | undefined;
}

/** When a test or a check is run, and whether its failure counts. */
export interface Conditions {
  /** The reason why it is not run. */
  skip?: string;
  /** What must be there, from the suite's needs to its own. */
  needs?: NeedsDocument[];
  /** A command in the guest that must exit with 0. */
  onlyIf?: string;
  xfail?: Xfail;
}

/** One check of a test, validated. Plain data: it crosses into workers as JSON. */
export interface PlannedCheck extends Conditions {
  kind: string;
  declaration: Record<string, unknown>;
  /** Where the declaration stands in the document. */
  path: Path;
  eventually?: Eventually;
}

/** A place in a suite file, counted from 1. */
export interface Position {
  file: string;
  line: number;
  column: number;
}

/** One test, ready to run. Plain data. */
export interface PlannedTest extends Conditions {
  /** `suite/name`; unique in a run. */
  id: string;
  name: string;
  /** What is no test of its own: the first and the last thing that a suite does in its guest. */
  role?: 'setup' | 'teardown';
  /** Where it stands in the document. */
  path: Path;
  tags: string[];
  position: Position;
  /** Milliseconds before scaling. */
  timeout: number;
  /** Each is one snapshot and its commands; a test with checks is one step. The first that fails ends the test. */
  steps: PlannedCheck[][];
  /** The numbers of the steps after which its guest is kept as it is. */
  milestones?: number[];
  positions: PositionTable;
  /** The lines of the suite that the positions point to, by their number. */
  source: Readonly<Record<number, string>>;
}

/** One combination of a matrix. */
export interface Cell {
  /** Its values in short; empty where there is only one cell. */
  name: string;
  values: Readonly<Record<string, string>>;
  image?: string;
  machine: MachineKeys;
}

/** A suite file, validated and resolved. Plain data. */
export interface SuitePlan {
  /** Unique in a run: the file, and the cell where there are several. */
  key: string;
  /** As written; in one of several cells followed by the cell's name in brackets. */
  name: string;
  file: string;
  sha256: string;
  /** As written; undefined means `default`. */
  image?: string;
  machine: MachineKeys;
  matrix?: MatrixKeys;
  /** The cell in which it runs, once the matrix is known. */
  cell?: Cell;
  channel: ChannelKey;
  isolation: 'file' | 'fork' | 'shared';
  /** What each fork has of its own. */
  identity?: readonly Identity[];
  tags: string[];
  /** Values of secret variables: they are masked wherever something is shown or written. */
  secrets: string[];
  tests: PlannedTest[];
  /** Where `image:` and `machine:` stand, for errors that are found later. */
  positions: PositionTable;
}

/** Whether guests of a suite are kept on the way, for what follows to roll back to. */
export function hasMilestones({ tests }: Pick<SuitePlan, 'tests'>): boolean {
  return tests.some(({ milestones }) => milestones !== undefined);
}

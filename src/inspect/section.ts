import type { z } from 'zod';
import type { PoweredOff } from '../facts/powered-off.ts';
import type { Census } from './census.ts';

/** The module, handed to what makes schemas: reading an image needs none, and loading it takes longer than reading. */
export type Zod = typeof z;
/** What a schema describes. */
export type Told<S extends (z: Zod) => z.ZodType> = z.output<ReturnType<S>>;

/** One line for people: its cells, which are set in columns. */
export type Row = readonly string[];

/** How far an inspection is, for whoever looks meanwhile. */
export interface Stage {
  section: string;
  /** Files that the walk over all of them came by. */
  files: number;
}

/** What a section is read from. */
export interface Inspection {
  disk: PoweredOff;
  /** One walk over all files, made when the first section asks for it. */
  census(): Promise<Census>;
  /** Says something about the section that is not part of its value. */
  note(text: string): void;
}

/** One part of what is known of an image. Its text comes from a disk: bounded here, escaped where it leaves. */
export interface Section<T = unknown> {
  /** Its key in the document. */
  name: string;
  title: string;
  schema(z: Zod): z.ZodType<T>;
  /** Undefined where the image has nothing of the kind. @throws GvmError `corrupt`, `unsupported` */
  read(inspection: Inspection): Promise<T | undefined>;
  /** Pure. */
  rows(value: T): Row[];
}

/** Keeps the types of one section together and lets it stand in a registry of sections. */
export function defineSection<T>(section: Section<T>): Section {
  return section as Section;
}

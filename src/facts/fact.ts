import type { z } from 'zod';
import type { PoweredOff } from './offline/disk.ts';

/** What the collector prints between two marks; `label` tells a fact's own parts apart. */
export interface Part {
  label: string;
  data: Buffer;
}

/** What came back for one fact of one snapshot: its parts in order, its standard error and exit status. */
export interface FactOutput {
  parts: readonly Part[];
  stderr: string;
  status: number;
}

/** The answer to one request. Without a value the fact could not be learned; the diagnostics say why. */
export interface Answer<V = unknown> {
  value?: V;
  diagnostics: string[];
  /** Why a powered-off disk cannot answer: only a running guest can. */
  unanswerable?: string;
}

/**
 * One thing that can be learned of a guest. A fragment is POSIX shell text run by dash, busybox ash and bash; it
 * reads nothing from standard input and says `part LABEL` before each part of its output. It bounds what it prints.
 * One fragment answers all requests for its fact in a test, so that forks (5 ms each under TCG) are shared.
 */
export interface Fact<Args = unknown, Value = unknown> {
  name: string;
  description: string;
  args: z.ZodType<Args>;
  schema: z.ZodType<Value>;
  /** The most bytes that the fragment prints for these requests; more is a diagnostic. */
  limit(requests: readonly Args[]): number;
  fragment(requests: readonly Args[]): string;
  /** One answer for each request, in order. Pure; the output is hostile. */
  parse(output: FactOutput, requests: readonly Args[]): Answer<Value>[];
  /**
   * The same answers from a powered-off disk; absent where only a running guest can tell. What a disk does not hold of
   * a value is left out of it. @throws Unanswerable, GvmError `corrupt`, `unsupported`
   */
  offline?(disk: PoweredOff, requests: readonly Args[]): Promise<Answer<Value>[]>;
}

/** A question: a fact and what about it. Plain data. */
export interface FactRequest {
  fact: string;
  args: unknown;
}

/** Keeps the types of one fact's definition together and lets it stand in a registry of facts. */
export function defineFact<Args, Value>(fact: Fact<Args, Value>): Fact<Args, Value> {
  return fact;
}

/** What a fragment would have printed, made of what stands on a disk: one parser serves both ways. */
export function outputOf(parts: Readonly<Record<string, string | Buffer>>): FactOutput {
  const list = Object.entries(parts).map(([label, data]) => ({ label, data: Buffer.from(data) }));
  return { parts: list, stderr: '', status: 0 };
}

import { availableParallelism, hostname, release, totalmem } from 'node:os';
import { asGvmError } from '../errors/index.ts';
import type { Guest, GuestKernel } from '../lab/index.ts';
import type { BootRecord, GuestRecord, RunRecord } from '../schema/index.ts';
import { toRunError } from './failure.ts';

/** The host of a run. */
export function thisHost(): RunRecord['host'] {
  return {
    hostname: hostname(),
    os: `${process.platform} ${release()}`,
    arch: process.arch,
    cpus: availableParallelism(),
    memory: totalmem(),
    node: process.versions.node,
  };
}

/** The record of a guest that was asked for; what becomes of it is filled in. */
export function newRecord(name: string, image: string, cell?: string): GuestRecord {
  return {
    name,
    image: { name: image, digest: '' },
    machine: {},
    ...(cell ? { cell } : {}),
    argv: [],
    boot: { outcome: 'cancelled', stages: [] },
    health: [],
  };
}

/** What a ready guest adds to its record. */
export function readyBoot(guest: Guest): Partial<GuestRecord> {
  return { argv: [...guest.argv], boot: guest.boot };
}

/** What is recorded of a kernel that was brought along. */
export function givenKernel({ source, digest, release }: GuestKernel): NonNullable<GuestRecord['kernelGiven']> {
  return { source, digest, ...(release === undefined ? {} : { release }) };
}

/** What is known of a boot that died: stage, cause, blame and evidence stand in the error's details. */
export function failedBoot(thrown: unknown, signal: AbortSignal): BootRecord {
  if (signal.aborted) return { outcome: 'cancelled', stages: [] };
  const error = asGvmError(thrown);
  const { stage, cause, evidence, screen, stages, traceMs, diedMs } = error.details as Partial<BootRecord>;
  return {
    outcome: error.code === 'boot-timeout' ? 'timeout' : 'failed',
    message: error.message,
    blame: toRunError(error).blame,
    ...(stage === undefined ? {} : { stage }),
    ...(cause === undefined ? {} : { cause }),
    ...(evidence === undefined ? {} : { evidence }),
    ...(screen === undefined ? {} : { screen }),
    ...(traceMs === undefined ? {} : { traceMs }),
    ...(diedMs === undefined ? {} : { diedMs }),
    stages: stages ?? [],
  };
}

/** The file with a picture of its screen that a boot which died has left. */
export function pictureOf(thrown: unknown): string | undefined {
  const { picture } = asGvmError(thrown).details;
  return typeof picture === 'string' ? picture : undefined;
}

import { spawnSync } from 'node:child_process';
import { findTool } from '../../../src/process/index.ts';

/** A sound image that mutants are made of. */
export interface Seed {
  name: string;
  /** Whose 30,000 cases this image shares. */
  parser: string;
  /** Which reader, and which repair of checksums. */
  kind: string;
  size: number;
  /** The pages of 4096 bytes that are not zero. */
  pages: Map<number, Uint8Array>;
}

const PAGE = 4096;
const ZERO = Buffer.alloc(PAGE);
/** Runs a tool of a format. */
export function run(tool: string, args: string[], input?: string, accept: readonly number[] = [0]): string {
  const env = { ...process.env, MKE2FS_CONFIG: '/dev/null', MTOOLS_SKIP_CHECK: '1' };
  const { status, stdout, stderr } = spawnSync(findTool(tool) ?? tool, args, { input, env, encoding: 'utf8' });
  if (status !== null && accept.includes(status)) return stdout;
  throw new Error(`${tool} ${args.join(' ')} ended with ${status}: ${stderr}`);
}

export function seedOf(name: string, parser: string, kind: string, bytes: Buffer): Seed {
  const pages = new Map<number, Uint8Array>();
  for (let index = 0; index * PAGE < bytes.length; index++) {
    const page = Buffer.alloc(PAGE);
    bytes.copy(page, 0, index * PAGE, (index + 1) * PAGE);
    if (!page.equals(ZERO)) pages.set(index, new Uint8Array(page));
  }
  return { name, parser, kind, size: bytes.length, pages };
}

import { crashedFact } from './crashed.ts';
import type { Fact } from './fact.ts';
import { fileFact } from './file.ts';
import { kernelFact } from './kernel.ts';
import { mountFact } from './mount.ts';
import { openrcFact } from './openrc.ts';
import { portFact } from './port.ts';
import { processFact } from './process.ts';
import { serviceFact } from './service.ts';
import { userFact } from './user.ts';

/** The facts that gvm knows by itself, in the order in which documents list them. */
export const builtinFacts: readonly Fact[] = [
  fileFact,
  serviceFact,
  openrcFact,
  processFact,
  portFact,
  userFact,
  kernelFact,
  mountFact,
  crashedFact,
];

import { builtinFacts } from '../facts/index.ts';
import type { CheckKind, Registry } from './check.ts';
import { commandCheck } from './checks/command.ts';
import { fileCheck } from './checks/file.ts';
import { kernelCheck } from './checks/kernel.ts';
import { mountCheck } from './checks/mount.ts';
import { openrcCheck } from './checks/openrc.ts';
import { portCheck } from './checks/port.ts';
import { processCheck } from './checks/process.ts';
import { serviceCheck } from './checks/service.ts';
import { userCheck } from './checks/user.ts';
import { builtinMatchers } from './matchers/registry.ts';

const builtinChecks: readonly CheckKind[] = [
  fileCheck,
  commandCheck,
  serviceCheck,
  openrcCheck,
  processCheck,
  portCheck,
  userCheck,
  kernelCheck,
  mountCheck,
] as readonly CheckKind[];

/** What gvm knows by itself, each list in the order in which documents show it. */
export const builtins: Registry = { checks: builtinChecks, matchers: builtinMatchers, facts: builtinFacts };

import { addrFact } from './addr.ts';
import { bootTimeFact } from './boot-time.ts';
import { cmdlineFact } from './cmdline.ts';
import { coredumpFact } from './coredump.ts';
import { crashedFact } from './crashed.ts';
import { dmesgFact } from './dmesg.ts';
import { dnsFact } from './dns.ts';
import { enabledServicesFact } from './enabled-services.ts';
import type { Fact } from './fact.ts';
import { fileFact } from './file.ts';
import { filesystemFact } from './filesystem.ts';
import { groupFact } from './group.ts';
import { httpFact } from './http.ts';
import { interfaceFact } from './interface.ts';
import { journalFact } from './journal.ts';
import { kconfigFact } from './kconfig.ts';
import { kernelFact } from './kernel.ts';
import { kernelParamFact } from './kernel-param.ts';
import { moduleFact } from './module.ts';
import { mountFact } from './mount.ts';
import { openrcFact } from './openrc.ts';
import { packageFact } from './package.ts';
import { partitionFact } from './partition.ts';
import { portFact } from './port.ts';
import { processFact } from './process.ts';
import { serviceFact } from './service.ts';
import { setuidFact } from './setuid.ts';
import { userFact } from './user.ts';

/** The facts that gvm knows by itself, in the order in which documents list them. */
export const builtinFacts: readonly Fact[] = [
  fileFact,
  serviceFact,
  openrcFact,
  enabledServicesFact,
  processFact,
  portFact,
  userFact,
  kernelFact,
  mountFact,
  packageFact,
  groupFact,
  interfaceFact,
  addrFact,
  dnsFact,
  httpFact,
  kernelParamFact,
  kconfigFact,
  moduleFact,
  cmdlineFact,
  filesystemFact,
  partitionFact,
  setuidFact,
  dmesgFact,
  journalFact,
  coredumpFact,
  bootTimeFact,
  crashedFact,
];

import { builtinFacts } from '../facts/index.ts';
import type { CheckKind, Registry } from './check.ts';
import { addrCheck } from './checks/addr.ts';
import { bootTimeCheck } from './checks/boot-time.ts';
import { cmdlineCheck } from './checks/cmdline.ts';
import { commandCheck } from './checks/command.ts';
import { coredumpCheck } from './checks/coredump.ts';
import { dmesgCheck } from './checks/dmesg.ts';
import { dnsCheck } from './checks/dns.ts';
import { fileCheck } from './checks/file.ts';
import { filesystemCheck } from './checks/filesystem.ts';
import { groupCheck } from './checks/group.ts';
import { httpCheck } from './checks/http.ts';
import { interfaceCheck } from './checks/interface.ts';
import { journalCheck } from './checks/journal.ts';
import { junitCheck } from './checks/junit.ts';
import { kconfigCheck } from './checks/kconfig.ts';
import { kernelCheck } from './checks/kernel.ts';
import { kernelParamCheck } from './checks/kernel-param.ts';
import { moduleCheck } from './checks/module.ts';
import { mountCheck } from './checks/mount.ts';
import { openrcCheck } from './checks/openrc.ts';
import { packageCheck } from './checks/package.ts';
import { partitionCheck } from './checks/partition.ts';
import { portCheck } from './checks/port.ts';
import { processCheck } from './checks/process.ts';
import { serviceCheck } from './checks/service.ts';
import { setuidCheck } from './checks/setuid.ts';
import { ktapCheck, tapCheck } from './checks/tap.ts';
import { userCheck } from './checks/user.ts';
import { builtinMatchers } from './matchers/registry.ts';
import { crashStep } from './steps/crash.ts';
import { downloadStep } from './steps/download.ts';
import { networkStep } from './steps/network.ts';
import { rebootStep } from './steps/reboot.ts';
import { rollbackStep } from './steps/rollback.ts';
import { uploadStep } from './steps/upload.ts';
import { waitStep } from './steps/wait.ts';

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
  packageCheck,
  groupCheck,
  interfaceCheck,
  addrCheck,
  dnsCheck,
  httpCheck,
  kernelParamCheck,
  kconfigCheck,
  moduleCheck,
  cmdlineCheck,
  filesystemCheck,
  partitionCheck,
  setuidCheck,
  dmesgCheck,
  journalCheck,
  coredumpCheck,
  bootTimeCheck,
  tapCheck,
  ktapCheck,
  junitCheck,
  rebootStep,
  crashStep,
  rollbackStep,
  networkStep,
  uploadStep,
  downloadStep,
  waitStep,
] as readonly CheckKind[];

/** What gvm knows by itself, each list in the order in which documents show it. */
export const builtins: Registry = { checks: builtinChecks, matchers: builtinMatchers, facts: builtinFacts };

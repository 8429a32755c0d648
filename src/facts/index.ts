export type { AddrValue } from './addr.ts';
export { type BootTimeValue, bootTimeFact } from './boot-time.ts';
export type { CmdlineValue } from './cmdline.ts';
export { collect } from './collect.ts';
export type { CoredumpValue } from './coredump.ts';
export type { CrashedValue } from './crashed.ts';
export type { DmesgValue } from './dmesg.ts';
export type { DnsValue } from './dns.ts';
export { qtypes } from './dns-answers.ts';
export type { EnabledServicesValue } from './enabled-services.ts';
export { type Answer, defineFact, type Fact, type FactOutput, type FactRequest, outputOf } from './fact.ts';
export { type FileValue, fileSums, fileTypes } from './file.ts';
export type { FilesystemValue } from './filesystem.ts';
export type { GroupValue } from './group.ts';
export type { HttpValue } from './http.ts';
export type { InterfaceValue } from './interface.ts';
export type { JournalValue } from './journal.ts';
export type { KconfigValue } from './kconfig.ts';
export type { KernelValue } from './kernel.ts';
export type { KernelParamValue } from './kernel-param.ts';
export { logLevels } from './log-levels.ts';
export type { ModuleValue } from './module.ts';
export {
  type ModuleFiles,
  type ModuleIndex,
  moduleName,
  type ResolvedModules,
  type RootBus,
  readModuleIndex,
  resolveModules,
  rootBuses,
  rootNeeds,
} from './modules/index.ts';
export type { MountValue } from './mount.ts';
export { collectOffline } from './offline/collect.ts';
export { PoweredOff, Unanswerable } from './offline/disk.ts';
export type { OpenrcValue } from './openrc.ts';
export type { PackageValue } from './package.ts';
export type { PartitionValue } from './partition.ts';
export type { PortValue } from './port.ts';
export type { ProcessValue } from './process.ts';
export { builtinFacts } from './registry.ts';
export { openRunning } from './running/open.ts';
export type { ServiceValue } from './service.ts';
export type { SetuidValue } from './setuid.ts';
export { linesOf } from './shell.ts';
export type { UserValue } from './user.ts';

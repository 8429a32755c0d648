// The door to what is read of powered-off disks alone: it loads no schema, so that commands over disks start quickly.
export { splitCommandLine } from './command-line.ts';
export { type JournalEntry, readJournalOnDisk } from './journal-file/read.ts';
export {
  moduleName,
  type RootBus,
  readModuleIndex,
  resolveModules,
  rootNeeds,
} from './modules/index.ts';
export { readNames } from './offline/accounts.ts';
export { diskTrouble, PoweredOff } from './offline/disk.ts';
export { initOf } from './offline/init.ts';
export { kernelReleases } from './offline/kernel.ts';
export { installedPackages } from './offline/packages.ts';
export { bootServices } from './offline/services.ts';

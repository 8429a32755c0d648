export { buildCommand, pasteableCommand } from './args/build.ts';
export type {
  DiskLayer,
  MachineBoot,
  MachineDisk,
  MachineInput,
  MachineNetwork,
  MachineRam,
  QemuCommand,
} from './args/input.ts';
export { saveState } from './migration.ts';
export { QmpClient } from './qmp/client.ts';
export type { QmpEvent, VirtioStatus } from './qmp/protocol.ts';
export { type Machine, type QemuExit, startMachine } from './start.ts';
export { hostTrouble } from './trouble.ts';

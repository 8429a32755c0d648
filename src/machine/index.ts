export { buildCommand, pasteableCommand } from './args/build.ts';
export type {
  DiskLayer,
  MachineBoot,
  MachineDisk,
  MachineInput,
  MachineNetwork,
  QemuCommand,
} from './args/input.ts';
export { QmpClient, type QmpOptions } from './qmp/client.ts';
export type { QmpCommands, QmpEvent } from './qmp/protocol.ts';
export { type Machine, type QemuExit, type StartOptions, startMachine } from './start.ts';
export { hostTrouble } from './trouble.ts';

export { type BrokerClient, type BrokerHandlers, connectBroker, serveBroker } from './broker.ts';
export { controlHandlers, type GuestInfo } from './control.ts';
export type { BootProgress, Guest, KeptGuest } from './guest.ts';
export { dryRun } from './hardware.ts';
export { type Lab, type LabOptions, openLab, type StartGuestOptions } from './lab.ts';
export type { Ownership } from './ownership.ts';
export { listOwners, type Owner, reapRuns } from './run-folder.ts';
export { Interrupted, runOwned } from './signals.ts';
export type { GuestBoot, GuestImage, GuestKernel, GuestSpec, InitSystem } from './spec.ts';

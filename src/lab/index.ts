export type { BootProgress, Guest, KeptGuest } from './guest.ts';
export type { Lab, LabOptions, StartGuestOptions } from './lab.ts';
export type { Ownership } from './ownership.ts';
export type { GuestBoot, GuestImage, GuestSpec, InitSystem } from './spec.ts';

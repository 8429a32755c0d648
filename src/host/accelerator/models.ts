/**
 * QEMU's CPU models for the two accelerators. TCG offers all that it can run but five-level paging and SMAP: keeping
 * track of those two costs a quarter of a boot's time.
 */
export const cpuModels = { kvm: 'host', tcg: 'max,la57=off,smap=off' } as const;

export { type AcceleratorChoice, chooseAccelerator, hostArchitecture } from './accelerator/choose.ts';
export { cpuModels } from './accelerator/models.ts';
export { proveAccelerators } from './accelerator/proof.ts';
export { chooseBuilder } from './builder.ts';
export { probeHost } from './doctor.ts';
export { findUefi } from './firmware.ts';
export { freeProcessors } from './free-processors.ts';
export { availableMemory } from './memory.ts';
export { renderHostReport } from './report.ts';

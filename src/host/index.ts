export { type AcceleratorChoice, chooseAccelerator } from './accelerator/choose.ts';
export { cpuModels } from './accelerator/models.ts';
export { proveAccelerators } from './accelerator/proof.ts';
export { chooseBuilder } from './builder.ts';
export { probeHost } from './doctor.ts';
export { findUefi } from './firmware.ts';
export { renderHostReport } from './report.ts';

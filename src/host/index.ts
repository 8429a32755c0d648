export { type AcceleratorChoice, chooseAccelerator } from './accelerator/choose.ts';
export { cpuModels } from './accelerator/models.ts';
export { type ProofOptions, proveAccelerators } from './accelerator/proof.ts';
export { chooseBuilder } from './builder.ts';
export { probeHost } from './doctor.ts';
export { findUefi, type UefiFirmware } from './firmware.ts';
export { renderHostReport } from './report.ts';

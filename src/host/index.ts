export { type AcceleratorChoice, chooseAccelerator } from './accelerator/choose.ts';
export { cpuModels } from './accelerator/models.ts';
export { type ProofOptions, proveAccelerators } from './accelerator/proof.ts';

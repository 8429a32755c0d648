export { type LoadedDocument, loadDocument } from './document.ts';
export {
  type DiskKeys,
  type Firmware,
  type MachineKeys,
  machineSchema,
  type NetworkKeys,
  type ResolvedMachine,
} from './machine.ts';
export { duration, name, size } from './scalar.ts';
export { type Allowance, allowanceSchema, type Project, projectSchema } from './project.ts';

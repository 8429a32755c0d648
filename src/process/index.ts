export { type Account, unprivilegedAccount } from './account.ts';
export { bootId, isSameProcess, killIdentified, type ProcessIdentity, processIdentity } from './identity.ts';
export { type ChildRecord, reapChildren } from './record.ts';
export { run } from './run.ts';
export { reapScratch, scratchFolder } from './scratch.ts';
export { type ChildExit, type ChildFile, type SupervisedChild, spawnSupervised } from './supervise.ts';
export { findTool } from './tool.ts';

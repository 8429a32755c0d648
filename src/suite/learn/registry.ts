import { fileLearner } from './file.ts';
import { groupLearner } from './group.ts';
import { interfaceLearner } from './interface.ts';
import { kernelLearner } from './kernel.ts';
import { kernelParamLearner } from './kernel-param.ts';
import type { Learner } from './learner.ts';
import { mountLearner } from './mount.ts';
import { openrcLearner } from './openrc.ts';
import { packageLearner } from './package.ts';
import { portLearner } from './port.ts';
import { processLearner } from './process.ts';
import { serviceLearner } from './service.ts';
import { setuidLearner } from './setuid.ts';
import { userLearner } from './user.ts';

/** What can be learnt of an image, in the order in which a suite says it. */
export const learners: readonly Learner[] = [
  kernelLearner,
  openrcLearner,
  serviceLearner,
  processLearner,
  portLearner,
  interfaceLearner,
  mountLearner,
  userLearner,
  groupLearner,
  fileLearner,
  setuidLearner,
  packageLearner,
  kernelParamLearner,
];

import { restartStep } from './restart.ts';

export const crashStep = restartStep(
  'crash',
  'takes the power away without a warning, gives it back, and waits until the guest is ready again; what was not synced is lost',
);

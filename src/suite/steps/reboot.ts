import { restartStep } from './restart.ts';

export const rebootStep = restartStep(
  'reboot',
  'lets the guest reboot itself and waits until it is ready again; each boot is watched and recorded as the first one',
);

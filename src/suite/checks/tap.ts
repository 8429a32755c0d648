import { programCheck } from '../points/check.ts';
import { parseTap } from '../points/tap.ts';

export const tapCheck = programCheck(
  'tap',
  'a program in the guest that prints TAP; each of its results is a test of its own in the reports',
  parseTap,
);

export const ktapCheck = programCheck(
  'ktap',
  "a program in the guest that prints KTAP, as the kernel's selftests and KUnit do (`dmesg` will do for the latter)",
  parseTap,
);

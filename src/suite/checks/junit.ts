import { programCheck } from '../points/check.ts';
import { parseJunit } from '../points/junit.ts';

export const junitCheck = programCheck(
  'junit',
  'a program in the guest that reports in JUnit XML; each of its test cases is a test of its own in the reports',
  parseJunit,
);

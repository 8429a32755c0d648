import type { Reporter } from '../reporter.ts';
import { renderAnnotations } from './annotations.ts';
import { renderStepSummary } from './summary.ts';

/** GitHub Actions: workflow commands on standard output, and the job summary where the runner offers one. */
export const github: Reporter = {
  name: 'github',
  about: 'annotations of GitHub Actions on standard output, and its job summary',
  outputs: [
    { to: 'stdout', render: renderAnnotations },
    { to: 'step-summary', render: renderStepSummary },
  ],
};

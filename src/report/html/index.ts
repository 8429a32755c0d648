import type { Reporter } from '../reporter.ts';
import { renderHtml } from './page.ts';

export const htmlPage: Reporter = {
  name: 'html',
  about: 'one self-contained page, in report.html',
  outputs: [{ to: { file: 'report.html' }, render: renderHtml }],
};

import { probeHost, renderHostReport } from '../../host/index.ts';
import type { Command } from '../command.ts';

export const doctor: Command = {
  usage: '',
  about: 'The accelerator is proved by running a guest under it, not by looking at /dev/kvm.',
  options: [],
  examples: [
    ['gvm doctor', 'the whole report'],
    ['gvm doctor --json', 'the same as data'],
  ],
  words: [0, 0],
  async run(context) {
    const report = await probeHost({ log: context.log, cacheDir: (await context.state()).home });
    context.show(report, (r) => renderHostReport(r));
    return report.findings.some((finding) => finding.level === 'missing') ? 4 : 0;
  },
};

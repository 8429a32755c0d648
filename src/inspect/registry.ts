import type { Section } from './section.ts';
import { accountsSection } from './sections/accounts.ts';
import { bootSection } from './sections/boot.ts';
import { kernelsSection } from './sections/kernels.ts';
import { logsSection } from './sections/logs.ts';
import { mountsSection } from './sections/mounts.ts';
import { networkSection } from './sections/network.ts';
import { packagesSection } from './sections/packages.ts';
import { portageSection } from './sections/portage.ts';
import { privilegedSection } from './sections/privileged.ts';
import { secretsSection } from './sections/secrets.ts';
import { servicesSection } from './sections/services.ts';
import { cronSection, sudoSection, sysctlSection } from './sections/settings.ts';
import { sshSection } from './sections/ssh.ts';
import { systemSection } from './sections/system.ts';
import { usageSection } from './sections/usage.ts';

/** The parts of what is known of an image, in the order in which they are shown. */
export const sections: readonly Section[] = [
  systemSection,
  usageSection,
  mountsSection,
  bootSection,
  kernelsSection,
  packagesSection,
  portageSection,
  servicesSection,
  networkSection,
  accountsSection,
  sshSection,
  sudoSection,
  cronSection,
  sysctlSection,
  privilegedSection,
  secretsSection,
  logsSection,
];

import { accessSync, constants, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { unprivilegedAccount } from '../process/index.ts';
import type { Finding } from '../schema/index.ts';
import { asRoot } from './packages.ts';
import type { Probe } from './probe.ts';

const DEVICE = '/dev/kvm';

// An access list or a changed mode on the node itself is undone whenever udev handles the device again; a rule is not.
const UDEV_RULE = 'KERNEL=="kvm", GROUP="kvm", MODE="0666", OPTIONS+="static_node=kvm"';
const UDEV_RECIPE = [
  `echo '${UDEV_RULE}' | ${asRoot('tee /etc/udev/rules.d/99-gvm-kvm.rules')}`,
  asRoot('udevadm control --reload-rules'),
  asRoot('udevadm trigger --name-match=kvm'),
  asRoot('udevadm settle'),
].join(' && ');

/** Who may open /dev/kvm; whether guests run with it is the accelerator's proof. */
export const kvmDevice: Probe<null> = async ({ root }) => {
  const node = statSync(join(root, DEVICE), { throwIfNoEntry: false });
  if (!node) {
    const detail = `${DEVICE} does not exist: virtualization is off in the firmware, or the module is not loaded`;
    const mend = asRoot('modprobe -a kvm kvm_intel kvm_amd');
    return { data: null, findings: [{ level: 'warn', what: DEVICE, detail, mend }] };
  }
  return { data: null, findings: [permission(join(root, DEVICE), node.mode, node.gid)] };
};

function permission(path: string, mode: number, gid: number): Finding {
  const rights = `mode ${(mode & 0o777).toString(8).padStart(4, '0')}, group ${gid}`;
  const group = gid === 0 ? undefined : gid;
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
  } catch {
    const { username } = userInfo();
    const joinable = group !== undefined && (mode & 0o060) === 0o060 && !process.env.CI;
    const mend = joinable ? `${asRoot(`usermod -aG kvm ${username}`)}, then log in again` : UDEV_RECIPE;
    return { level: 'warn', what: DEVICE, detail: `user ${username} may not open it (${rights})`, mend };
  }
  const account = unprivilegedAccount([path]);
  if (account && account.groups.length === 0 && (mode & 0o006) !== 0o006) {
    const detail = `only root may open it (${rights}); as root, gvm runs guests as nobody, who may not`;
    return { level: 'warn', what: DEVICE, detail, mend: UDEV_RECIPE };
  }
  return { level: 'ok', what: DEVICE, detail: `may be opened (${rights})` };
}

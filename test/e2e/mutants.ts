/** One change to a guest, and the test of a suite that it must make fail, alone. */
export interface Mutant {
  test: string;
  /** Shell text run in the initramfs with the root file system writable at /root. */
  disk?: string;
  /** Shell text run in the guest by its last service. */
  late?: string;
  /** Machine keys. */
  machine?: { memory?: string; append?: string };
}

const boot: readonly Mutant[] = [
  {
    test: 'reaches the default runlevel with nothing crashed',
    disk: `printf '%s\\n' '#!/sbin/openrc-run' 'command=/bin/sleep' 'command_args=0.1' 'command_background=yes' \\
      'pidfile=/run/mutant.pid' > /root/etc/init.d/mutant
    chmod 755 /root/etc/init.d/mutant && ln -s /etc/init.d/mutant /root/etc/runlevels/default/mutant`,
  },
  {
    test: 'starts sshd by itself at every boot',
    disk: `rm /root/etc/runlevels/default/sshd && echo 'rc_need="sshd"' >> /root/etc/conf.d/local`,
  },
  { test: 'logs to a daemon that runs', disk: 'rm /root/etc/runlevels/default/syslog' },
  { test: 'offers a login on the serial console', disk: 'rm /root/etc/runlevels/default/agetty.ttyS0' },
  { test: 'mounts its root file system as fstab says', disk: 'sed -i s/relatime/noatime/ /root/etc/fstab' },
  { test: 'keeps temporary files apart', disk: 'chmod 0755 /root/tmp' },
  { test: 'hides the password hashes', disk: 'chmod 0644 /root/etc/shadow' },
  { test: 'has one superuser', disk: `echo 'toor:x:0:0::/root:/bin/sh' >> /root/etc/passwd` },
  {
    test: 'lets root in by key only',
    disk: 'sed -i "s/^PermitRootLogin.*/PermitRootLogin yes/" /root/etc/ssh/sshd_config.d/gvm.conf',
  },
  {
    test: 'listens for SSH on every address',
    disk: 'echo ListenAddress 10.0.2.15 >> /root/etc/ssh/sshd_config.d/gvm.conf',
  },
  { test: 'opens no other port', late: 'busybox nc -l -p 8080 > /dev/null 2>&1 < /dev/null &' },
  { test: 'runs an untainted kernel of the release it was made with', late: 'echo 64 > /proc/sys/kernel/tainted' },
  { test: 'has the modules of its kernel', late: 'mv /lib/modules /lib/modules.away' },
  { test: 'has an identity of its own', late: ': > /etc/machine-id' },
  { test: 'knows what year it is', late: 'date -s 1999-12-31' },
  { test: 'sees the memory it was given', machine: { memory: '768M' } },
  { test: 'sees both processors', machine: { append: 'maxcpus=1' } },
];

const smoke: readonly Mutant[] = [
  { test: 'has room on its root file system', late: 'fallocate -l 1500M /filler' },
  { test: 'takes scratch files in /var/tmp', late: 'chattr +i /var/tmp' },
  {
    test: 'leaves most of its memory to its users',
    late: 'dd if=/dev/zero of=/dev/shm/filler bs=1M count=300',
  },
  {
    test: 'has an address on its network',
    // The way in stays: the address reaches no farther than the link.
    late: `ip address del 10.0.2.15/24 dev eth0 && ip address add 10.0.2.15/24 dev eth0 scope link &&
      ip route replace default via 10.0.2.2 dev eth0`,
  },
  { test: 'knows the way out of its network', late: 'ip route del default' },
  { test: 'knows the name localhost', disk: ': > /root/etc/hosts' },
  { test: 'has a host name of its own', late: 'hostname localhost' },
  {
    test: 'has a package database in order',
    disk: 'sed -i "/^Package: procps$/,/^$/s/^Status: .*/Status: install ok half-configured/" /root/var/lib/dpkg/status',
  },
  { test: 'saw no program die', late: `(ulimit -s 256; bash -c 'f() { f; }; f')` },
  { test: 'runs on a kernel that reports no error', late: 'mount -t ext4 /dev/vda1 /mnt' },
  {
    test: 'has no dead processes that nobody collects',
    late: `sh -c 'true & exec sleep 100000' < /dev/null > /dev/null 2>&1 &`,
  },
  { test: 'logs who logs in', disk: 'echo LogLevel QUIET >> /root/etc/ssh/sshd_config.d/gvm.conf' },
];

const sshd = '/root/etc/ssh/sshd_config.d/gvm.conf';

const security: readonly Mutant[] = [
  { test: 'has one superuser', disk: `echo 'toor:x:0:0::/root:/bin/sh' >> /root/etc/passwd` },
  { test: 'has no account with an empty password', disk: `sed -i 's/^games:[^:]*:/games::/' /root/etc/shadow` },
  {
    test: 'keeps no password hash where everyone reads it',
    disk: `sed -i 's/^news:x:/news:$6$salt$hash:/' /root/etc/passwd`,
  },
  {
    test: 'keeps no password hash of a weak kind',
    disk: `sed -i 's/^mail:[^:]*:/mail:$1$salt$hash:/' /root/etc/shadow`,
  },
  {
    test: 'hashes new passwords with a strong kind',
    disk: 'sed -i "s/^ENCRYPT_METHOD.*/ENCRYPT_METHOD MD5/" /root/etc/login.defs',
  },
  { test: 'gives no shell to system accounts', disk: `sed -i '/^www-data:/s,[^:]*$,/bin/sh,' /root/etc/passwd` },
  { test: 'has nobody in groups that are as good as root', disk: `sed -i 's/^disk:.*/&lp/' /root/etc/group` },
  { test: 'protects the files of accounts', disk: 'chmod 0646 /root/etc/group' },
  { test: 'keeps the home of root to root', disk: 'chmod 0755 /root/root' },
  {
    test: 'lets nobody in by password',
    disk: `sed -i 's/^PasswordAuthentication.*/PasswordAuthentication yes/' ${sshd}`,
  },
  { test: 'lets root in by key only', disk: `sed -i 's/^PermitRootLogin.*/PermitRootLogin yes/' ${sshd}` },
  {
    test: 'reads the drop-in settings of sshd first',
    disk: `sed -i 's/^Include/MaxSessions 20\\nInclude/' /root/etc/ssh/sshd_config`,
  },
  {
    test: "carries no host key that is not the guest's own",
    disk: 'echo key > /root/etc/ssh/ssh_host_rsa_key',
  },
  { test: 'has the known setuid programs and no other', disk: 'chmod u+s /root/usr/bin/find' },
  { test: 'keeps temporary files apart', disk: 'chmod 0777 /root/var/tmp' },
  { test: 'lets only root say what root runs', disk: 'chmod 0777 /root/etc/cron.daily' },
  {
    test: 'switches no protection of the kernel off',
    disk: 'echo kernel.randomize_va_space=0 >> /root/etc/sysctl.conf',
  },
];

const BOOTS = 3;

/** The mutants of each suite that is shipped. */
export const mutants = { boot, smoke, security } as const;
export type SuiteName = keyof typeof mutants;
export const suiteNames = Object.keys(mutants) as SuiteName[];

/** The mutants dealt out to a few boots: in each its own tests fail, and all others pass. */
export function bootsOf(all: readonly Mutant[]): Mutant[][] {
  return Array.from({ length: BOOTS }, (_, boot) => all.filter((_mutant, i) => i % BOOTS === boot));
}

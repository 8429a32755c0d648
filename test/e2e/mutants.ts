/** One change to a guest, and the test of suites/boot that it must make fail, alone. */
export interface Mutant {
  test: string;
  /** Shell text run in the initramfs with the root file system writable at /root. */
  disk?: string;
  /** Shell text run in the guest by its last service. */
  late?: string;
  /** Machine keys. */
  machine?: { memory?: string; append?: string };
}

export const mutants: readonly Mutant[] = [
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

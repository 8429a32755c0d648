// Reads: the extended attribute security.capability, versions 1 to 3. Specification: include/uapi/linux/capability.h of
// Linux (struct vfs_cap_data, vfs_ns_cap_data), capabilities(7).

const NAMES = (
  'chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service ' +
  'net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin ' +
  'sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override ' +
  'mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore'
).split(' ');

const EFFECTIVE = 1;

/** As getcap(8) writes them, for example `cap_net_raw=ep`; undefined for what is malformed. */
export function capabilitiesOf(value: Buffer): string | undefined {
  if (value.length < 12) return undefined;
  const head = value.readUInt32LE(0);
  const words = head >>> 24 === 1 ? 1 : 2;
  if (value.length < 4 + words * 8) return undefined;
  const set = (offset: number) => {
    const low = value.readUInt32LE(offset);
    const high = words === 2 ? value.readUInt32LE(offset + 8) : 0;
    return NAMES.filter((_, bit) => ((bit < 32 ? low >>> bit : high >>> (bit - 32)) & 1) === 1);
  };
  const [permitted, inheritable] = [set(4), set(8)];
  const flags = head & EFFECTIVE ? 'e' : '';
  const names = (list: string[]) => list.map((name) => `cap_${name}`).join(',');
  const both = permitted.filter((name) => inheritable.includes(name));
  const groups = [
    [both, `${flags}ip`],
    [permitted.filter((name) => !both.includes(name)), `${flags}p`],
    [inheritable.filter((name) => !both.includes(name)), 'i'],
  ] as const;
  return groups
    .filter(([list]) => list.length > 0)
    .map(([list, letters]) => `${names([...list])}=${letters}`)
    .join(' ');
}

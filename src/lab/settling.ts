import type { InitSystem } from './spec.ts';

// Both loops run in the guest, so that waiting costs one connection and one shell. Each change of what is waited for is
// printed, and the last line says so at a deadline.

const openrc = `
seen=
while :; do
  level=
  [ -r /run/openrc/softlevel ] && read -r level < /run/openrc/softlevel
  set -- /run/openrc/starting/*
  [ -e "$1" ] && starting=\${1##*/} || starting=
  case $level in ''|sysinit|boot) settled= ;; *) settled=1 ;; esac
  [ -n "$starting" ] || [ -e /run/openrc/rc.starting ] && settled=
  [ -n "$settled" ] && break
  now="OpenRC is in runlevel \${level:-none}\${starting:+, starting $starting}"
  [ "$now" = "$seen" ] || echo "$now"
  seen=$now
  sleep 0.1 || sleep 1
done`;

const systemd = `
seen=
while :; do
  now=$(systemctl is-system-running 2>/dev/null)
  case $now in ''|offline|unknown|initializing|starting) ;; *) break ;; esac
  [ "$now" = "$seen" ] || echo "systemd is \${now:-not answering}"
  seen=$now
  sleep 0.3 || sleep 1
done`;

const scripts: Record<InitSystem, string> = {
  openrc,
  systemd,
  none: '',
  unknown: `if [ -d /run/systemd/system ]; then ${systemd}
elif [ -e /run/openrc/softlevel ]; then ${openrc}
fi`,
};

/** The line that the guest prints as soon as it answers. */
export const ANSWERED = 'answered';
/** The line that it prints when its init has settled. */
export const SETTLED = 'settled';
/** How the last line begins that says what could not be given to a fork. */
export const LACKS = 'lacks';

/**
 * A script that ends when a guest's init has settled. OpenRC: it is beyond the runlevels `sysinit` and `boot`, changes
 * none, and starts nothing. systemd: it is neither initializing nor starting.
 */
export function settleScript(init: InitSystem): string {
  return `echo ${ANSWERED}\n${scripts[init]}\necho ${SETTLED}`;
}

// What OpenRC and systemd say of their services. OpenRC keeps a symbolic link for each service and state in
// /run/openrc/STATE and for each runlevel in /etc/runlevels/LEVEL; whether the daemon of a started service still
// lives is known to rc-status (its --crashed exits 0 when something crashed, 1 when nothing did), but only of daemons
// that OpenRC's own start-stop-daemon began. Debian's does not tell OpenRC of them: there the pid files that openrc-run
// notes in /run/openrc/options are looked at as OpenRC would (rc_service_daemons_crashed): no process, no daemon.
import type { FactOutput } from './fact.ts';
import { linesOf } from './shell.ts';

export const serviceStates = [
  'started',
  'starting',
  'stopping',
  'stopped',
  'inactive',
  'scheduled',
  'crashed',
  'failed',
] as const;

export type ServiceState = (typeof serviceStates)[number];

/** No fork but rc-status, where OpenRC has noted a daemon: printf is a builtin and repeats its format. */
export const OPENRC = `part softlevel
level=
read -r level </run/openrc/softlevel
printf '%s\\n' "$level"
part services
for d in started starting stopping inactive scheduled failed; do
  printf "state $d %s\\n" /run/openrc/$d/*
done
for l in /etc/runlevels/*; do
  printf "runlevel \${l##*/} %s\\n" "$l"/*
done
printf 'script - %s\\n' /etc/init.d/*
part dead
for f in /run/openrc/options/*/pidfile; do
  o=\${f%/pidfile} p= n=
  [ -L "/run/openrc/started/\${o##*/}" ] && [ ! -e "$o/chroot" ] || continue
  read -r p <"$f"
  [ -z "$p" ] || { [ -e "$p" ] && [ ! -r "$p" ]; } && continue
  [ -e "$p" ] && read -r n <"$p"
  case $n in
    '' | *[!0-9]*) echo "\${o##*/}" ;;
    *) [ -d "/proc/$n" ] || echo "\${o##*/}" ;;
  esac
done
part crashed
set -- /run/openrc/daemons/*/*
[ ! -e "$1" ] || rc-status --crashed
[ $? -le 1 ]`;

export interface OpenrcService {
  state: ServiceState;
  runlevels: string[];
}

export interface Openrc {
  softlevel: string;
  services: Map<string, OpenrcService>;
  diagnostics: string[];
}

/** The states in the order in which rc-status decides (print_service of rc-status.c). */
const PRECEDENCE = ['stopping', 'starting', 'inactive', 'started', 'scheduled', 'failed'] as const;

export function parseOpenrc(output: FactOutput): Openrc {
  const part = (label: string) => linesOf(output.parts.find((p) => p.label === label)?.data);
  const marks = new Map<string, { states: Set<string>; runlevels: string[] }>();
  const diagnostics: string[] = [];
  for (const line of part('services')) {
    const match = /^(state|runlevel|script) (\S+) \/\S*\/([^/\s]+)$/.exec(line);
    if (!match) {
      if (diagnostics.length < 5) diagnostics.push(`the name of a service is malformed: ${line.slice(0, 200)}`);
      continue;
    }
    const [, what, value = '', service = ''] = match;
    if (service === '*' || value === '*') continue;
    const mark = marks.get(service) ?? { states: new Set(), runlevels: [] };
    marks.set(service, mark);
    if (what === 'state') mark.states.add(value);
    if (what === 'runlevel') mark.runlevels.push(value);
  }
  const crashed = new Set([...part('crashed'), ...part('dead')].map((line) => line.trim()));
  const services = new Map<string, OpenrcService>();
  for (const [service, { states, runlevels }] of marks) {
    const state = PRECEDENCE.find((s) => states.has(s)) ?? 'stopped';
    services.set(service, { state: state === 'started' && crashed.has(service) ? 'crashed' : state, runlevels });
  }
  return { softlevel: part('softlevel')[0] ?? '', services, diagnostics };
}

export interface SystemdUnit {
  loaded: boolean;
  state: ServiceState;
  enablement: string;
}

const RESULTS_OF_A_CRASH = ['signal', 'core-dump', 'watchdog', 'oom-kill'];

const ACTIVE: Record<string, ServiceState> = {
  active: 'started',
  reloading: 'started',
  refreshing: 'started',
  activating: 'starting',
  deactivating: 'stopping',
  inactive: 'stopped',
  maintenance: 'inactive',
};

/** The properties that `parseUnits` needs, as systemctl(1) takes them. */
export const UNIT_PROPERTIES = 'Id,LoadState,ActiveState,Result,UnitFileState';

/** Reads `systemctl show`: one block of KEY=VALUE lines for each unit in the order asked for, empty lines between. */
export function parseUnits(text: string): SystemdUnit[] {
  const blocks = text.split('\n\n').filter((block) => block.trim() !== '');
  return blocks.map((block) => {
    const property = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(block)?.[1] ?? '';
    const active = property('ActiveState');
    const crash = RESULTS_OF_A_CRASH.includes(property('Result'));
    return {
      loaded: !['not-found', ''].includes(property('LoadState')),
      state: active === 'failed' ? (crash ? 'crashed' : 'failed') : (ACTIVE[active] ?? 'stopped'),
      enablement: property('UnitFileState'),
    };
  });
}

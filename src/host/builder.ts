import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { findTool, run } from '../process/index.ts';
import type { BuilderState, Finding } from '../schema/index.ts';
import { asRoot } from './packages.ts';
import type { Probe } from './probe.ts';

export type BuilderMode = BuilderState['mode'];

/** Which ways of building an image work here; the first that works is taken. */
export const builder: Probe<BuilderState[]> = async ({ signal }) => {
  const states = await builderStates(signal);
  const chosen = states.find((state) => state.works);
  const better = states.filter((state) => !state.works && state.mend && state.mode === 'unshare');
  const findings: Finding[] = chosen
    ? [{ level: 'ok', what: 'building images', detail: `by ${NAMES[chosen.mode]}: ${chosen.reason}` }]
    : [{ level: 'warn', what: 'building images', detail: 'no way of building an image works here' }];
  if (!chosen || chosen.mode === 'guest') {
    for (const { mode, reason, mend } of better) {
      findings.push({ level: 'warn', what: NAMES[mode], detail: reason, ...(mend ? { mend } : {}) });
    }
  }
  return { data: states, findings };
};

/** The way of building that is taken here. The builder guest needs nothing but QEMU, so there always is one. */
export async function chooseBuilder(signal?: AbortSignal): Promise<BuilderMode> {
  const states = await builderStates(signal);
  return states.find((state) => state.works)?.mode ?? 'guest';
}

const NAMES: Record<BuilderMode, string> = {
  root: 'chroot as root',
  unshare: 'a user namespace',
  fakechroot: 'fakechroot',
  guest: 'a builder guest',
};

async function builderStates(signal?: AbortSignal): Promise<BuilderState[]> {
  const isRoot = process.getuid?.() === 0;
  return [
    isRoot
      ? await needsBootstrap({ mode: 'root', works: true, reason: 'gvm is root' })
      : { mode: 'root', works: false, reason: 'gvm is not root' },
    isRoot
      ? { mode: 'unshare', works: false, reason: 'gvm is root and needs none' }
      : await needsBootstrap(await unshareState(signal)),
    await needsBootstrap(fakechrootState()),
    { mode: 'guest', works: true, reason: 'QEMU runs one' },
  ];
}

function needsBootstrap(state: BuilderState): BuilderState {
  if (!state.works || findTool('mmdebstrap')) return state;
  return { mode: state.mode, works: false, reason: 'mmdebstrap is not installed', mend: install('mmdebstrap') };
}

function install(packages: string): string {
  return asRoot(`apt-get install --no-install-recommends ${packages}`);
}

/** A user namespace with subordinate ids, proved by making one. */
async function unshareState(signal?: AbortSignal): Promise<BuilderState> {
  const mode = 'unshare';
  const { username, uid } = userInfo();
  if (!findTool('newuidmap')) {
    return { mode, works: false, reason: 'newuidmap is not installed', mend: install('uidmap') };
  }
  for (const file of ['/etc/subuid', '/etc/subgid']) {
    const text = await readFile(file, 'utf8').catch(() => '');
    const entry = text.split('\n').find((line) => line.startsWith(`${username}:`) || line.startsWith(`${uid}:`));
    if (!entry || Number(entry.split(':')[2]) < 65_536) {
      const mend = asRoot(`usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${username}`);
      return { mode, works: false, reason: `${file} gives ${username} no 65536 ids`, mend };
    }
  }
  const unshare = findTool('unshare');
  if (!unshare) return { mode, works: false, reason: 'unshare is not installed' };
  try {
    await run(unshare, ['--user', '--map-root-user', '--mount', '--pid', '--fork', 'true'], {
      timeout: 10_000,
      ...(signal ? { signal } : {}),
    });
  } catch {
    signal?.throwIfAborted();
    const restricted = (await sysctl('kernel/apparmor_restrict_unprivileged_userns')) === '1';
    const setting = restricted
      ? 'kernel.apparmor_restrict_unprivileged_userns=0'
      : 'kernel.unprivileged_userns_clone=1';
    return {
      mode,
      works: false,
      reason: `the kernel refuses user namespaces to ordinary users${restricted ? ' (AppArmor)' : ''}`,
      mend: asRoot(`sysctl -w ${setting}`),
    };
  }
  return { mode, works: true, reason: `${username} has subordinate ids` };
}

function fakechrootState(): BuilderState {
  const works = findTool('fakechroot') !== undefined && findTool('fakeroot') !== undefined;
  return works
    ? { mode: 'fakechroot', works, reason: 'fakechroot and fakeroot are installed' }
    : { mode: 'fakechroot', works, reason: 'fakechroot is not installed', mend: install('fakechroot fakeroot') };
}

async function sysctl(name: string): Promise<string> {
  return (await readFile(`/proc/sys/${name}`, 'utf8').catch(() => '')).trim();
}

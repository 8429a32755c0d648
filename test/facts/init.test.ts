import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { builtinFacts, collect } from '../../src/facts/index.ts';
import { parseUnits } from '../../src/facts/init.ts';
import { localChannel } from './local-channel.ts';

// A mount namespace with the folders of OpenRC, and an rc-status that says what that of OpenRC 0.45 says of them:
// the crashed services a line each with exit 0, or nothing with exit 1.
const SETUP = `set -e
mount -t tmpfs none /run; mount -t tmpfs none /etc
mkdir -p /run/bin /run/openrc/started /run/openrc/starting /run/openrc/failed /run/openrc/inactive
mkdir -p /run/openrc/daemons/ntpd; : >/run/openrc/daemons/ntpd/001
mkdir -p /etc/init.d /etc/runlevels/boot /etc/runlevels/default
printf default >/run/openrc/softlevel
for s in sshd ntpd slow broken odd idle alive dead unwritten; do : >/etc/init.d/$s; done
ln -s /etc/init.d/sshd /run/openrc/started/sshd
ln -s /etc/init.d/ntpd /run/openrc/started/ntpd
ln -s /etc/init.d/slow /run/openrc/starting/slow
ln -s /etc/init.d/slow /run/openrc/started/slow
ln -s /etc/init.d/broken /run/openrc/failed/broken
ln -s /etc/init.d/odd /run/openrc/inactive/odd
for s in alive dead unwritten; do
  ln -s /etc/init.d/$s /run/openrc/started/$s
  mkdir -p /run/openrc/options/$s
  printf /run/$s.pid >/run/openrc/options/$s/pidfile
done
echo $$ >/run/alive.pid
sh -c 'echo $$ >/run/dead.pid'
ln -s /etc/init.d/sshd /etc/runlevels/default/sshd
ln -s /etc/init.d/gone /etc/runlevels/default/gone
ln -s /etc/init.d/ntpd /etc/runlevels/boot/ntpd
ln -s /etc/init.d/ntpd /etc/runlevels/default/ntpd
printf '%s\\n' '#!/bin/sh' 'CRASHED' >/run/bin/rc-status
chmod +x /run/bin/rc-status
PATH=/run/bin:$PATH
exec /bin/sh "$@"`;

const guest = (crashed: string) =>
  ['unshare', '-rm', '/bin/sh', '-c', SETUP.replace('CRASHED', crashed), 'sh'] as const;

const possible = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/run']).status === 0;

function ask(crashed: string, ...requests: [fact: string, args: object][]) {
  return collect(
    requests.map(([fact, args]) => ({ fact, args })),
    { facts: builtinFacts, channel: localChannel(guest(crashed)), timeout: 10_000 },
  );
}

// Where user namespaces are closed, the end-to-end suite of the openrc image asks a real OpenRC the same.
test.runIf(possible)('OpenRC: states, runlevels, crashed services and what failed to start', async () => {
  const answers = await ask(
    'echo ntpd',
    ['openrc', {}],
    ['crashed', {}],
    ...['sshd', 'ntpd', 'broken', 'gone', 'idle', 'nosuch'].map((name) => ['service', { name }] as [string, object]),
  );
  expect(answers.flatMap((a) => a.diagnostics)).toEqual([]);
  const [openrc, crashed, ...services] = answers.map((a) => a.value);
  expect(openrc).toEqual({
    runlevel: 'default',
    crashed: ['dead', 'ntpd', 'unwritten'],
    services: {
      alive: { state: 'started', runlevels: [] },
      dead: { state: 'crashed', runlevels: [] },
      unwritten: { state: 'crashed', runlevels: [] },
      sshd: { state: 'started', runlevels: ['default'] },
      ntpd: { state: 'crashed', runlevels: ['boot', 'default'] },
      slow: { state: 'starting', runlevels: [] },
      broken: { state: 'failed', runlevels: [] },
      odd: { state: 'inactive', runlevels: [] },
      idle: { state: 'stopped', runlevels: [] },
      gone: { state: 'stopped', runlevels: ['default'] },
    },
  });
  expect(crashed).toEqual({ init: 'openrc', crashed: ['broken', 'dead', 'ntpd', 'unwritten'] });
  const service = (exists: boolean, state: string, runlevels: string[]) => ({
    init: 'openrc',
    exists,
    state,
    enablement: runlevels.length > 0 ? 'enabled' : 'disabled',
    runlevels,
  });
  expect(services).toEqual([
    service(true, 'started', ['default']),
    service(true, 'crashed', ['boot', 'default']),
    service(true, 'failed', []),
    service(true, 'stopped', ['default']),
    service(true, 'stopped', []),
    service(false, 'stopped', []),
  ]);
});

test.runIf(possible)('OpenRC: rc-status exits 1 where nothing crashed, and that is no failure', async () => {
  const [openrc] = await ask('exit 1', ['openrc', {}]);
  expect(openrc).toMatchObject({ value: { crashed: ['dead', 'unwritten'] }, diagnostics: [] });
});

test.runIf(possible)('OpenRC: rc-status is not asked where OpenRC has noted no daemon', async () => {
  const setup = SETUP.replace('CRASHED', 'echo ntpd').replace(
    'exec /bin/sh',
    'rm -r /run/openrc/daemons\nexec /bin/sh',
  );
  const channel = localChannel(['unshare', '-rm', '/bin/sh', '-c', setup, 'sh']);
  const [openrc] = await collect([{ fact: 'openrc', args: {} }], { facts: builtinFacts, channel, timeout: 10_000 });
  expect(openrc).toMatchObject({ value: { crashed: ['dead', 'unwritten'] } });
});

test.runIf(possible)('OpenRC: an rc-status that fails is a diagnostic', async () => {
  const [openrc] = await ask('echo broken >&2; exit 127', ['openrc', {}]);
  expect(openrc?.diagnostics).toEqual(['the fact "openrc" ended with status 1: broken']);
});

test('systemd: what systemctl show says', () => {
  const block = (load: string, active: string, result: string, file: string) =>
    `Id=x.service\nLoadState=${load}\nActiveState=${active}\nResult=${result}\nUnitFileState=${file}\n`;
  const text = [
    block('loaded', 'active', 'success', 'enabled'),
    block('loaded', 'failed', 'signal', 'disabled'),
    block('loaded', 'failed', 'exit-code', 'static'),
    block('not-found', 'inactive', 'success', ''),
    block('loaded', 'activating', 'success', 'enabled'),
  ].join('\n');
  expect(parseUnits(text)).toEqual([
    { loaded: true, state: 'started', enablement: 'enabled' },
    { loaded: true, state: 'crashed', enablement: 'disabled' },
    { loaded: true, state: 'failed', enablement: 'static' },
    { loaded: false, state: 'stopped', enablement: '' },
    { loaded: true, state: 'starting', enablement: 'enabled' },
  ]);
});

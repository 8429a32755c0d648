import { type PoweredOff, Unanswerable } from './disk.ts';

/** Which init a disk boots: what /sbin/init is in the end, else whether OpenRC has runlevels. @throws Unanswerable */
export async function initOf(disk: PoweredOff): Promise<'openrc' | 'systemd'> {
  const init = await disk.find('/sbin/init');
  if (init && /\/systemd$/.test(init.path.toString('latin1'))) return 'systemd';
  if (await disk.isDirectory('/etc/runlevels')) return 'openrc';
  throw new Unanswerable('the disk boots neither OpenRC nor systemd');
}

/** Runlevels and scripts, as the fragment for OpenRC prints them; states are known to a running guest only. */
export async function openrcLines(disk: PoweredOff): Promise<string> {
  const lines: string[] = [];
  for (const level of await disk.names('/etc/runlevels')) {
    const folder = `/etc/runlevels/${level}`;
    for (const name of await disk.names(folder)) lines.push(`runlevel ${level} ${folder}/${name}`);
  }
  for (const name of await disk.names('/etc/init.d')) lines.push(`script - /etc/init.d/${name}`);
  return lines.join('\n');
}

import { outputOf } from '../fact.ts';
import { parseOpenrc } from '../init.ts';
import { isUnanswerable, type PoweredOff } from './disk.ts';
import { initOf, openrcLines } from './init.ts';
import { Units } from './units.ts';

export interface BootServices {
  init: 'openrc' | 'systemd';
  services: { name: string; enablement: string; runlevels?: string[] }[];
}

const KINDS = /\.(?:service|socket|timer|path|mount|automount|target)$/;

/** Every service or unit that a disk has, and whether it is started at boot; undefined under another init. */
export async function bootServices(disk: PoweredOff): Promise<BootServices | undefined> {
  let init: BootServices['init'];
  try {
    init = await initOf(disk);
  } catch (error) {
    if (isUnanswerable(error)) return undefined;
    throw error;
  }
  if (init === 'openrc') {
    const { services } = parseOpenrc(outputOf({ services: await openrcLines(disk) }));
    const own = [...services].map(([name, { runlevels }]) => ({
      name,
      enablement: runlevels.length > 0 ? 'enabled' : 'disabled',
      runlevels,
    }));
    return { init, services: own };
  }
  const units = await Units.read(disk);
  const services: BootServices['services'] = [];
  for (const name of await units.names(KINDS)) {
    const enablement = await units.enablement(name);
    if (enablement !== undefined) services.push({ name, enablement });
  }
  return { init, services };
}

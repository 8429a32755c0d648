import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { GvmError } from '../errors/index.ts';
import { type MachineKeys, machineSchema, type ResolvedLogin, type ResolvedMachine } from '../schema/index.ts';

/** One layer of machine keys and where it comes from, lowest first. */
export interface MachineLayer {
  origin: string;
  keys: MachineKeys;
}

/** What every machine has where no layer says otherwise. */
const defaults: ResolvedMachine = {
  arch: 'x86_64',
  memory: 1024 ** 3,
  cpus: 2,
  cpu: undefined,
  firmware: 'bios',
  kernel: undefined,
  initrd: undefined,
  append: '',
  bus: 'virtio',
  sector: 512,
  disks: [],
  networks: [{ model: 'virtio-net', mode: 'restricted' }],
  accel: 'auto',
  login: { user: 'root', port: 22, become: 'none' },
  timeout: 120_000,
};

/** A machine with all layers applied, and for each key the origin of its value. */
export interface LayeredMachine {
  machine: ResolvedMachine;
  origins: Record<string, string>;
}

/**
 * Applies layers in order: a list replaces a list, a map is merged, `append` adds up, `network` is short for the
 * first network's mode.
 * @throws GvmError `document-invalid` where kernel, initrd or append meet another firmware than `direct`
 */
export function layerMachine(layers: readonly MachineLayer[]): LayeredMachine {
  const machine: ResolvedMachine = structuredClone(defaults);
  const origins: Record<string, string> = Object.fromEntries(Object.keys(defaults).map((key) => [key, 'default']));
  for (const { origin, keys } of layers) {
    const { append, login, network, ...plain } = keys;
    for (const [key, value] of Object.entries(plain)) {
      if (value === undefined) continue;
      Object.assign(machine, { [key]: value });
      origins[key] = origin;
    }
    if (append) {
      machine.append = [machine.append, append].filter(Boolean).join(' ');
      origins.append = origins.append === 'default' ? origin : `${origins.append}, ${origin}`;
    }
    if (login) {
      machine.login = layerLogin(machine.login, login);
      origins.login = origin;
    }
    if (network) {
      const [first = { model: 'virtio-net' as const, mode: network }, ...rest] = machine.networks;
      machine.networks = [{ ...first, mode: network }, ...rest];
      origins.networks = origin;
    }
  }
  // There is no BIOS for it.
  if (machine.arch === 'aarch64' && origins.firmware === 'default') machine.firmware = 'uefi';
  checkFirmware(machine, origins);
  return { machine, origins };
}

/** A map is merged, but one proof of who logs in replaces another. */
function layerLogin(below: ResolvedLogin, keys: NonNullable<MachineKeys['login']>): ResolvedLogin {
  const { user = below.user, port = below.port, become = below.become, shell = below.shell } = keys;
  const { key, agent, 'password-env': passwordEnv } = keys;
  const { user: _, port: __, become: ___, shell: ____, ...proof } = below;
  const login = { user, port, become, ...(shell === undefined ? {} : { shell }) };
  if (key !== undefined) return { ...login, key };
  if (agent) return { ...login, agent };
  if (passwordEnv !== undefined) return { ...login, passwordEnv };
  return { ...login, ...proof };
}

function checkFirmware(machine: ResolvedMachine, origins: Record<string, string>): void {
  if (machine.firmware === 'direct') return;
  const stray = (['kernel', 'initrd', 'append'] as const).find((key) => machine[key]);
  if (!stray) return;
  throw new GvmError({
    code: 'document-invalid',
    message: `machine.${stray} (from ${origins[stray]}) is for firmware: direct, but the firmware is ${machine.firmware} (from ${origins.firmware})`,
    hint: `either set firmware: direct, or leave ${stray} to the boot loader inside the image`,
  });
}

const fromEnvironment: Record<string, (text: string) => unknown> = {
  memory: (text) => text,
  cpus: Number,
  cpu: (text) => text,
  firmware: (text) => text,
  append: (text) => text,
  network: (text) => text,
  accel: (text) => text,
  timeout: (text) => text,
};

/**
 * The machine keys that `GVM_MEMORY`, `GVM_CPUS`, … give, one layer each.
 * @throws GvmError `usage` naming the variable and what is wrong with its value
 */
export function environmentLayers(env: NodeJS.ProcessEnv): MachineLayer[] {
  return Object.entries(fromEnvironment).flatMap(([key, convert]) => {
    const variable = `GVM_${key.toUpperCase()}`;
    const text = env[variable];
    return text ? [machineLayer(variable, { [key]: convert(text) })] : [];
  });
}

/**
 * A layer from loose values, such as options of the command line.
 * @throws GvmError `usage` naming the origin and what is wrong with its value
 */
export function machineLayer(origin: string, values: Record<string, unknown>): MachineLayer {
  const parsed = machineSchema.safeParse(values);
  if (parsed.success) return { origin, keys: parsed.data };
  throw new GvmError({ code: 'usage', message: `${origin}: ${parsed.error.issues[0]?.message ?? 'bad value'}` });
}

/** A layer of a file: the login key that it names is relative to its folder, or to the user's home. */
export function fileLayer(origin: string, keys: MachineKeys, folder: string): MachineLayer {
  const { key, ...login } = keys.login ?? {};
  if (key === undefined) return { origin, keys };
  const path = key.startsWith('~/') ? join(homedir(), key.slice(2)) : resolve(folder, key);
  return { origin, keys: { ...keys, login: { ...login, key: path } } };
}

/** The accelerator that the layers ask for: it is the run's, not a guest's. */
export function selectAccelerator(layers: readonly MachineLayer[]): ResolvedMachine['accel'] {
  return layers.findLast(({ keys }) => keys.accel !== undefined)?.keys.accel ?? defaults.accel;
}

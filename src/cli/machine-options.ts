import { environmentLayers, type MachineLayer, machineLayer } from '../config/index.ts';
import type { Context } from './command.ts';
import type { OptionName } from './options.ts';

/** The options that change the machine; a command that boots guests lists them among its own. */
export const machineOptions = [
  'accel',
  'memory',
  'cpus',
  'cpu',
  'firmware',
  'append',
  'network',
] as const satisfies OptionName[];

const convert: Partial<Record<(typeof machineOptions)[number], (text: string) => unknown>> = { cpus: Number };

/**
 * The layers above gvm.yaml and suite: `GVM_*` variables, then options.
 * @throws GvmError `usage` naming the variable or option with the bad value
 */
export function upperLayers(context: Context): MachineLayer[] {
  const options = machineOptions.flatMap((name) => {
    const text = context.text(name);
    return text === undefined ? [] : [machineLayer(`--${name}`, { [name]: convert[name]?.(text) ?? text })];
  });
  return [...environmentLayers(process.env), ...options];
}

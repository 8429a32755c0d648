export type { Channel, CommandResult, ExecOptions, Shell, ShellOptions } from './channel.ts';
export type { ConsoleFinding } from './serial/finding.ts';
export type { SshAddress } from './ssh/address.ts';

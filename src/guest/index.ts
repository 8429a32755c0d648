export type { Channel, CommandResult, ExecOptions, Shell, ShellOptions } from './channel.ts';
export type { ConsoleFinding } from './serial/finding.ts';
export type { SshAddress } from './ssh/address.ts';
export { awaitBanner, type BannerOptions, type Reach } from './ssh/banner.ts';
export { generateLoginKey, type LoginKey } from './ssh/key.ts';
export { logIn, type OpenSshOptions, openSsh } from './ssh/ssh-channel.ts';

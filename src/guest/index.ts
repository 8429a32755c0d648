export type {
  Channel,
  CommandResult,
  ExecOptions,
  RunningCommand,
  Shell,
  ShellOptions,
  StartOptions,
} from './channel.ts';
export { ConsoleChannel, type ConsolePorts } from './console/console-channel.ts';
export { WaitingShell } from './console/waiting-shell.ts';
export { type Agreement, ConsoleClassifier, type ConsoleVerdict } from './serial/classifier.ts';
export type { ConsoleFinding } from './serial/finding.ts';
export { HealthWatch } from './serial/health.ts';
export type { ConsoleLine } from './serial/lines.ts';
export { SerialLog, type SerialLogOptions } from './serial/serial-log.ts';
export { servedChannel } from './served/client.ts';
export { serveChannels } from './served/serve.ts';
export type { SshAddress } from './ssh/address.ts';
export { awaitBanner, type BannerOptions, type Reach } from './ssh/banner.ts';
export { generateHostKeys, generateLoginKey, type LoginKey } from './ssh/key.ts';
export { logIn, type OpenSshOptions, openSsh } from './ssh/ssh-channel.ts';
export type { TransferOptions } from './transfer/conduct.ts';
export { type DownloadOptions, download } from './transfer/download.ts';
export { guestWord } from './transfer/names.ts';
export type { LeftOut, TransferReport } from './transfer/report.ts';
export { type UploadOptions, upload } from './transfer/upload.ts';

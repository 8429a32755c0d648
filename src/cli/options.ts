/** One option of the command line. The table below is the only place that describes it. */
export interface OptionSpec {
  /** One letter, for `-x`. */
  short?: string;
  /** The name of its value in help; without it the option is a switch. */
  value?: string;
  /** May be given several times. */
  repeat?: true;
  choices?: readonly string[];
  about: string;
}

/** Every option of every command: parsing, help and the reference page come from here. */
export const optionTable = {
  // everywhere
  json: { about: 'print one JSON document instead of text' },
  color: {
    value: 'WHEN',
    choices: ['auto', 'always', 'never'],
    about: 'colours: auto, always or never (NO_COLOR is obeyed)',
  },
  quiet: { short: 'q', about: 'say only what is wrong' },
  verbose: { short: 'v', about: 'say more about what gvm does' },
  config: { value: 'FILE', about: 'use this gvm.yaml instead of the nearest one upward' },
  directory: { short: 'C', value: 'DIR', about: 'work in this folder' },
  help: { short: 'h', about: 'show help' },
  version: { about: 'print the version' },
  // machines
  image: {
    value: 'NAME|FILE',
    repeat: true,
    about: 'the image to boot instead of the one that the suite names; several make a matrix',
  },
  kernel: {
    value: 'PATH',
    repeat: true,
    about: 'the kernel to boot: a bzImage, a .deb, a build tree, an image, a folder with boot/ and lib/modules/',
  },
  accel: { value: 'KIND', choices: ['auto', 'kvm', 'tcg'], about: 'accelerator: auto, kvm or tcg' },
  memory: { value: 'SIZE', about: 'memory of the guest, for example 1G' },
  cpus: { value: 'N', about: 'virtual CPUs of the guest' },
  cpu: { value: 'MODEL', about: 'QEMU CPU model' },
  firmware: { value: 'KIND', choices: ['direct', 'bios', 'uefi'], about: 'how the guest starts: direct, bios or uefi' },
  append: { value: 'TEXT', about: 'add to the kernel command line (firmware direct)' },
  network: {
    value: 'MODE',
    choices: ['restricted', 'internet', 'none'],
    about: 'what the guest reaches: restricted, internet or none',
  },
  format: {
    value: 'F',
    choices: ['qcow2', 'raw', 'vmdk', 'vhdx', 'vhd', 'vpc', 'vdi'],
    about: 'the format of an image file whose name does not tell it',
  },
  'allow-backing': { value: 'DIR', repeat: true, about: 'let images refer to backing files in this folder' },
  timeout: { value: 'D', about: 'deadline, for example 90s' },
  // test
  tests: { short: 't', value: 'PATTERN', about: 'only tests whose name matches this regular expression' },
  tag: { value: 'TAG', repeat: true, about: 'only tests that carry this tag' },
  jobs: { short: 'j', value: 'N|auto', about: 'how many guests run, or images are read, at once' },
  output: { value: 'PATH', about: 'folder of the reports (default: reports); of learn the suite to write' },
  reporter: { value: 'LIST', about: 'write these reports too: tap, html, github; several with commas between them' },
  retries: { value: 'N', about: 'try a test that goes wrong N times more; one that passes then is flaky' },
  'fail-on-flaky': { about: 'exit 1 where a test passed only when it was tried again' },
  repeat: { value: 'N', about: 'run every suite N times, each time with guests of its own' },
  order: {
    value: 'ORDER',
    choices: ['written', 'longest', 'random'],
    about: 'begin suites as written, longest first (with several jobs), or suites and tests at random',
  },
  seed: { value: 'N', about: 'repeat a random order: the number that its run showed' },
  bail: { value: 'N', about: 'begin no more tests after N that went wrong' },
  watch: { about: 'run again what changes: tests and suites of what was edited or rebuilt, inspections of images' },
  'pause-on-failure': { about: 'leave a guest as a failed test left it, and wait for Enter' },
  shard: { value: 'I/N', about: 'only the tests of part I of N; gvm report merge joins the parts' },
  timings: { value: 'FILE', about: 'divide by the times in an earlier run.json, or in what gvm shards --json wrote' },
  'last-failed': { about: 'only the tests that failed in the last run of this project' },
  offline: { about: 'boot nothing: answer from the powered-off disk what it can tell, skip the rest' },
  list: { about: 'list the tests and stop' },
  'data-only': { about: 'run no code of the project: refuse *.gvm.ts suites and plugins' },
  'dry-run': { about: 'show the plan and the QEMU command lines and stop' },
  'pass-with-no-checks': { about: 'exit 0 also when every check was skipped' },
  // boot, run, ssh
  name: { value: 'GUEST', about: 'name of the guest' },
  detach: { about: 'leave the guest running in the background' },
  // disks
  volume: {
    value: 'NAME',
    about: 'one volume alone: p2, vg/lv, md0, luks:p2, p2:SUBVOLUME, or disk where there are no partitions',
  },
  snapshot: { value: 'NAME|ID', about: 'an internal snapshot of a qcow2 image instead of its present state' },
  layer: {
    value: 'VOLUME[:/PATH]',
    repeat: true,
    about: 'lay these over one another, the top one first: volumes, folders of them, or image files in them',
  },
  'key-file': {
    value: 'FILE',
    repeat: true,
    about: 'open encrypted volumes with this passphrase or key; - or /dev/fd/N for an open descriptor',
  },
  recursive: { short: 'R', about: 'a folder with all that is below it' },
  long: { short: 'l', about: 'with modes, owners, sizes and times' },
  match: { value: 'GLOB', about: 'only names that match, for example *.conf' },
  type: { value: 'T', about: 'only files of a type: f, d, l, b, c, p or s' },
  // inspect
  fresh: { about: 'read the image again, also where no file of it has changed' },
  guest: { value: 'GUEST', about: 'ask a running guest instead of an image' },
  // cp
  owner: { value: 'OWNER', about: 'USER or USER:GROUP of what is copied, or keep: the numbers it has' },
  // image
  packages: { value: 'FILE', about: 'build from this recorded package list' },
  force: { about: 'build again even where a fresh image is stored; write over a suite that exists' },
} as const satisfies Record<string, OptionSpec>;

export type OptionName = keyof typeof optionTable;

/** The options that every command takes. */
export const globalOptions = [
  'json',
  'color',
  'quiet',
  'verbose',
  'config',
  'directory',
  'help',
  'version',
] as const satisfies OptionName[];

/** Values as they were given; the commands convert them. */
export type OptionValues = { [K in OptionName]?: string | boolean | string[] };

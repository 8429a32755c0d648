/**
 * Every error code of gvm: the exit code that it asks for, and what it means. Codes are stable: documents and
 * scripts may test them. Exit codes: 2 usage or bad input, 3 the guest, 4 host or tool, 70 a defect of gvm.
 */
export const catalogue = {
  // usage and bad input
  usage: [2, 'an unknown command or option, or an option with a bad value'],
  'document-syntax': [2, 'a YAML document that cannot be parsed, or that has duplicate keys'],
  'document-invalid': [2, 'a YAML document with unknown keys, wrong values or empty assertions'],
  'file-missing': [2, 'a file or folder named by the user does not exist or cannot be read'],
  'shards-differ': [2, 'shards that are to be merged are not of one plan'],
  'shard-missing': [4, 'tests of the plan that none of the merged shards ran'],
  'nothing-to-run': [2, 'the paths, tags and patterns given select no test'],
  'plugin-invalid': [2, 'a plugin of gvm.yaml that cannot be loaded, or whose kinds clash with others'],
  'code-refused': [2, 'a plugin or a *.gvm.ts suite, where --data-only allows data alone'],
  'image-unknown': [2, 'no recipe, stored image or file has the name given'],
  'image-format': [2, 'the format of an image file is unknown, or its header contradicts it'],
  'image-refused': [2, 'an image refers to a file that the rules do not let it open'],
  'image-corrupt': [2, 'an image file is truncated or damaged'],
  unsupported: [2, 'a disk is sound, but uses a feature that gvm does not read; the feature is named'],
  corrupt: [2, 'a structure on a disk is damaged; its name and offset are given'],
  locked: [2, 'a volume is encrypted, and no key that was given opens it'],
  'no-filesystem': [2, 'no partition table, volume or file system is recognised on a disk'],
  'guest-unknown': [2, 'no running guest has the name given, or the name is missing and there are several'],
  'file-outside': [2, 'a suite names a host file outside its own folder'],
  // the guest
  'boot-failed': [3, 'the guest died or stopped on its way to ready'],
  'boot-timeout': [3, 'the guest was not ready within its deadline'],
  'guest-lost': [3, 'a guest that was ready ended or stopped answering'],
  'login-refused': [3, 'the guest answered but refused the login'],
  'transfer-failed': [3, 'a file could not be copied into or out of the guest'],
  'transfer-refused': [3, 'an archive that the guest sent would do harm on the host'],
  'channel-closed': [3, 'the connection into the guest broke while it was used'],
  // host and tools
  'tool-missing': [4, 'a program that gvm needs is not installed'],
  'tool-failed': [4, 'a program that gvm started ended with an error'],
  'accelerator-unavailable': [4, 'an accelerator was asked for that does not work here'],
  'disk-full': [4, 'the host has no space left for what gvm writes'],
  'host-resource': [4, 'the host lacks memory, permission or another resource'],
  'qemu-start': [4, 'QEMU refused its command line or ended before the guest began'],
  'qmp-failed': [4, 'QEMU refused a command on its monitor'],
  'qmp-closed': [4, 'the monitor connection to QEMU ended while a command waited'],
  'checkpoint-failed': [4, 'the state of a guest could not be saved or loaded'],
  'image-build': [4, 'an image could not be built'],
  'nbd-failed': [4, 'an NBD server refused a request, broke the protocol or ended the connection'],
  'store-locked': [4, 'another gvm holds the store entry for longer than the deadline'],
  deadline: [4, 'a wait reached its deadline'],
  internal: [70, 'a defect of gvm: please report it'],
} as const satisfies Record<string, readonly [number, string]>;

export type ErrorCode = keyof typeof catalogue;

/**
 * The exit code that a code asks for (design §4).
 * @param blame who is to blame where evidence says so: it decides between the guest's exit code and the host's
 */
export function exitCodeOf(code: ErrorCode, blame?: unknown): number {
  const [asked] = catalogue[code];
  if (blame === undefined || (asked !== 3 && asked !== 4)) return asked;
  return blame === 'host' ? 4 : 3;
}

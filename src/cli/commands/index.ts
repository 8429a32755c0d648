import type { CommandRow } from '../command.ts';

/** Every command, in the order of help. What one does, and the rooms that it needs, is loaded when it is called. */
export const commands: readonly CommandRow[] = [
  { name: 'test', summary: 'boot guests and run suites in them', load: async () => (await import('./test.ts')).test },
  {
    name: 'boot',
    summary: 'boot one guest by hand and own it until Ctrl-C',
    load: async () => (await import('./boot.ts')).boot,
  },
  {
    name: 'ssh',
    summary: 'enter a running guest, or run one command in it',
    load: async () => (await import('./ssh.ts')).ssh,
  },
  {
    name: 'console',
    summary: 'attach to the serial console of a running guest',
    load: async () => (await import('./console.ts')).console,
  },
  {
    name: 'cp',
    summary: 'copy files and folders into or out of a running guest',
    load: async () => (await import('./cp.ts')).cp,
  },
  { name: 'ps', summary: 'list the running guests', load: async () => (await import('./ps.ts')).ps },
  { name: 'stop', summary: 'power off a running guest', load: async () => (await import('./stop.ts')).stop },
  {
    name: 'run',
    summary: 'boot an image, run one command in it, end it',
    load: async () => (await import('./run.ts')).run,
  },
  {
    name: 'shards',
    summary: 'show how the tests divide among several jobs',
    load: async () => (await import('./shards.ts')).shards,
  },
  {
    name: 'report',
    summary: 'show the report of a run, or merge several',
    load: async () => (await import('./report.ts')).report,
  },
  {
    name: 'image',
    summary: 'list, build and remove images of the store',
    load: async () => (await import('./image.ts')).image,
  },
  {
    name: 'inspect',
    summary: 'tell everything that is known of images, offline',
    load: async () => (await import('./inspect.ts')).inspect,
  },
  {
    name: 'partitions',
    summary: 'show the partition table of an image and what each partition holds, offline',
    load: async () => (await import('./partitions.ts')).partitions,
  },
  { name: 'ls', summary: 'list files of an image, offline', load: async () => (await import('./ls.ts')).ls },
  {
    name: 'tree',
    summary: 'draw the files of an image, offline',
    load: async () => (await import('./tree.ts')).tree,
  },
  { name: 'cat', summary: 'print a file of an image, offline', load: async () => (await import('./cat.ts')).cat },
  {
    name: 'stat',
    summary: 'show all that is known of a file of an image, offline',
    load: async () => (await import('./stat.ts')).stat,
  },
  { name: 'find', summary: 'find files of an image, offline', load: async () => (await import('./find.ts')).find },
  {
    name: 'df',
    summary: 'show how full the file systems of an image are, offline',
    load: async () => (await import('./df.ts')).df,
  },
  {
    name: 'extract',
    summary: 'copy files of an image to the host, offline',
    load: async () => (await import('./extract.ts')).extract,
  },
  {
    name: 'shell',
    summary: 'look around in an image at a prompt, offline',
    load: async () => (await import('./shell.ts')).shell,
  },
  {
    name: 'checkpoint',
    summary: 'list and remove the frozen guests that tests fork from',
    load: async () => (await import('./checkpoint.ts')).checkpoint,
  },
  {
    name: 'doctor',
    summary: 'show what this host has, what is proved, what is missing and how to mend it',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  {
    name: 'config',
    summary: 'show the settings, and the layer that each value came from',
    load: async () => (await import('./config.ts')).config,
  },
  {
    name: 'schema',
    summary: 'print the JSON Schema of a document, for editors and checkers',
    load: async () => (await import('./schema.ts')).schema,
  },
  {
    name: 'init',
    summary: 'start a project: gvm.yaml, a first suite, a CI file',
    load: async () => (await import('./init.ts')).init,
  },
  {
    name: 'learn',
    summary: 'write a suite of what is true of an image now',
    load: async () => (await import('./learn.ts')).learn,
  },
  {
    name: 'completion',
    summary: 'print a completion script for a shell',
    load: async () => (await import('./completion.ts')).completion,
  },
];

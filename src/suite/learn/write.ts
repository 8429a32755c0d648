import { clip, printable } from '../../core/index.ts';
import { writeDocument } from '../../schema/index.ts';
import type { Learnt } from './learn.ts';

/** Where a suite comes from; all of it goes into its first lines. */
export interface Origin {
  image: string;
  digest: string;
  /** The command line that learnt it. */
  command: string;
  offline: boolean;
  gvm: string;
  date: Date;
}

const LONGEST_COMMENT = 300;
const MOST_REASONS = 50;

/** The text of a suite that says what was learnt. */
export function writeLearnt({ tests, missing }: Learnt, origin: Origin): string {
  const { image, digest, command, gvm, date, offline } = origin;
  const how = offline ? 'its powered-off disk' : 'a running guest of it';
  const reasons = missing.slice(0, MOST_REASONS).map((reason) => `Not learnt: ${reason}`);
  const comment = [
    `What gvm ${gvm} learnt of the image ${image} on ${date.toISOString().slice(0, 10)}, from ${how}.`,
    `${command}; digest ${digest}`,
    'All of it held then. Keep what matters to you, and delete the rest.',
    ...reasons,
    ...(missing.length > MOST_REASONS ? [`Not learnt: ${missing.length - MOST_REASONS} things more`] : []),
  ];
  const suite = {
    suite: nameOf(image),
    ...(image === 'default' ? {} : { image }),
    tests,
  };
  return writeDocument(suite, comment.map(oneLine));
}

const oneLine = (text: string) => clip(printable(text).replaceAll(/\s+/g, ' '), LONGEST_COMMENT);

/** The name of an image, or of its file, as a suite may be called. */
function nameOf(image: string): string {
  const base = image.replace(/^.*\//, '').replace(/\.(?:qcow2|raw|img|iso|vmdk|vhdx|vhd|vdi)$/, '');
  const own = base
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]/g, '-')
    .replace(/^[^a-z0-9]+/, '');
  return `${own || 'image'}`.slice(0, 57).concat('-learnt');
}

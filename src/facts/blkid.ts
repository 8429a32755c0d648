// Reads blkid(8): NAME=VALUE lines with an empty line after each device (-o export; what a shell would take for special
// stands behind a backslash), or `DEVICE: NAME="VALUE" …` of busybox and of the plain form.

export type BlkidTags = Readonly<Record<string, string>>;

/** The tags by device. */
export function parseBlkid(text: string): Map<string, BlkidTags> {
  const found = new Map<string, BlkidTags>();
  for (const block of text.split(/\n\s*\n/)) {
    const tags = new Map<string, string>();
    for (const line of block.split('\n')) {
      const plain = /^(\/[^:\s]*): (.*)$/.exec(line);
      if (plain) {
        const pairs = [...(plain[2] ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [
          name,
          value,
        ]);
        found.set(plain[1] ?? '', Object.fromEntries(pairs));
        continue;
      }
      const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
      if (name !== undefined && value !== undefined) tags.set(name, value.replace(/\\(.)/g, '$1'));
    }
    const device = tags.get('DEVNAME');
    if (device !== undefined) found.set(device, Object.fromEntries(tags));
  }
  return found;
}

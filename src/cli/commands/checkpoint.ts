import { formatDuration, formatSize } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import { CheckpointStore, type StoredCheckpoint } from '../../lab/index.ts';
import type { Command, Context } from '../command.ts';

const SHOWN = 12;

function render(checkpoints: readonly StoredCheckpoint[]): string {
  if (checkpoints.length === 0) return 'no checkpoint';
  const total = checkpoints.reduce((sum, { bytes }) => sum + bytes, 0);
  const lines = checkpoints.map(({ manifest, bytes, usedAt, inUse }) => {
    const { key, image, memory, bootMs } = manifest;
    const used = inUse ? 'in use' : `used ${usedAt.toISOString().slice(0, 16).replace('T', ' ')}`;
    return `${key.slice(0, SHOWN)}  ${image}, ${formatSize(memory)}, in place of a boot of ${formatDuration(bootMs)}; ${formatSize(bytes)}; ${used}`;
  });
  return [...lines, `${checkpoints.length} in all, ${formatSize(total)}`].join('\n');
}

async function remove(context: Context, store: CheckpointStore, word: string | undefined): Promise<number> {
  const all = await store.list();
  const chosen = all.filter(({ manifest }) => word === 'all' || (word !== undefined && manifest.key.startsWith(word)));
  if (word === undefined || (word !== 'all' && chosen.length !== 1)) {
    const what = chosen.length > 1 ? `several checkpoints begin with ${word}` : `no checkpoint ${word ?? 'is named'}`;
    const hint = 'gvm checkpoint list shows them; gvm checkpoint remove all removes every one';
    throw new GvmError({ code: 'usage', message: `gvm checkpoint remove: ${what}`, hint });
  }
  for (const { manifest } of chosen) await store.remove(manifest.key);
  const removed = chosen.map(({ manifest }) => manifest.key);
  context.show({ removed }, () => `${removed.length} removed`);
  return 0;
}

export const checkpoint: Command = {
  usage: 'list | remove KEY|all',
  about:
    'A checkpoint is a booted guest, frozen: what the tests of a suite with isolation: fork go on from. It is made when it is\nfirst needed, and the store keeps those used last. It holds the secrets of its guest: do not copy it elsewhere.',
  options: [],
  examples: [
    ['gvm checkpoint list', 'what there is, and what it takes on the disk'],
    ['gvm checkpoint remove all', 'boot anew the next time'],
  ],
  words: [1, 2],
  async run(context) {
    const [action, word] = context.words;
    const store = new CheckpointStore((await context.state()).home, context.log);
    if (action === 'remove') return await remove(context, store, word);
    if (action !== 'list') {
      const hint = 'one of list, remove';
      throw new GvmError({ code: 'usage', message: `gvm checkpoint: unknown action ${action}`, hint });
    }
    context.show(await store.list(), render);
    return 0;
  },
};

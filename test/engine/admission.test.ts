import { expect, test } from 'vitest';
import { Admission } from '../../src/engine/admission.ts';

const GIB = 2 ** 30;
const signal = new AbortController().signal;

/** Who is in, in the order of arrival. */
function gate(limits: { guests: number; memory: number }) {
  const admission = new Admission(limits);
  const inside: string[] = [];
  const leave = new Map<string, () => void>();
  const arrive = (name: string, memory = GIB, by = signal) =>
    admission.enter(memory, by).then((give) => {
      inside.push(name);
      leave.set(name, give);
    });
  return { inside, arrive, leave: (name: string) => leave.get(name)?.() };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('as many guests as may run at once, the others in their order', async () => {
  const { inside, arrive, leave } = gate({ guests: 2, memory: 100 * GIB });
  for (const name of ['a', 'b', 'c', 'd']) void arrive(name);
  await settled();
  expect(inside).toEqual(['a', 'b']);
  leave('b');
  leave('b');
  await settled();
  expect(inside).toEqual(['a', 'b', 'c']);
});

test('no more than there is memory for, and nobody overtakes', async () => {
  const { inside, arrive, leave } = gate({ guests: 8, memory: 5 * GIB });
  void arrive('large', 4 * GIB);
  void arrive('next', 2 * GIB);
  void arrive('small', GIB / 2);
  await settled();
  expect(inside).toEqual(['large']);
  leave('large');
  await settled();
  expect(inside).toEqual(['large', 'next', 'small']);
});

test('a guest that is alone is let in, however large', async () => {
  const { inside, arrive, leave } = gate({ guests: 2, memory: GIB });
  void arrive('huge', 64 * GIB);
  void arrive('other');
  await settled();
  expect(inside).toEqual(['huge']);
  leave('huge');
  await settled();
  expect(inside).toEqual(['huge', 'other']);
});

test('who gives up waiting takes no place', async () => {
  const { inside, arrive, leave } = gate({ guests: 1, memory: 9 * GIB });
  const controller = new AbortController();
  await arrive('a');
  const waiting = arrive('b', GIB, controller.signal);
  void arrive('c');
  controller.abort(new Error('gave up'));
  await expect(waiting).rejects.toThrow('gave up');
  leave('a');
  await settled();
  expect(inside).toEqual(['a', 'c']);
  await expect(arrive('d', GIB, controller.signal)).rejects.toThrow('gave up');
});

test('a spare one takes only memory that nobody needs, and gives it back to who does', async () => {
  const admission = new Admission({ guests: 1, memory: 5 * GIB });
  const reclaimed: string[] = [];
  const spare = (name: string, memory = GIB) => admission.spare(memory, () => reclaimed.push(name));
  const leave = await admission.enter(GIB, signal);
  expect(spare('too large', 4 * GIB)).toBeUndefined();
  const kept = spare('kept', 2 * GIB);
  expect(spare('one too many', 2 * GIB)).toBeUndefined();
  const large = admission.enter(4 * GIB, signal);
  expect(spare('late', 1)).toBeUndefined();
  expect(reclaimed).toEqual([]);
  leave();
  await large;
  expect(reclaimed).toEqual(['kept']);
  kept?.leave();
});

test('a spare one that enters waits for a place, and needs no memory that another one waits for', async () => {
  const admission = new Admission({ guests: 1, memory: 5 * GIB });
  const order: string[] = [];
  const leave = await admission.enter(GIB, signal);
  const spare = admission.spare(2 * GIB, () => order.push('reclaimed'));
  void admission.enter(4 * GIB, signal).then(() => order.push('large'));
  void spare?.enter(signal).then(() => order.push('spare'));
  await settled();
  expect(order).toEqual([]);
  leave();
  await settled();
  expect(order).toEqual(['spare']);
  spare?.leave();
  await settled();
  expect(order).toEqual(['spare', 'large']);
});

import { expect, test } from 'vitest';
import { Admission } from '../../src/engine/admission.ts';

const GIB = 2 ** 30;
const signal = new AbortController().signal;

/** Who is in, in the order of arrival. */
function gate(limits: { guests: number; memory: number }) {
  const admission = new Admission(limits, () => {});
  const inside: string[] = [];
  const leave = new Map<string, () => void>();
  const arrive = (name: string, memory = GIB, by = signal) =>
    admission.enter({ memory, cpus: 1 }, by).then((give) => {
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
  const admission = new Admission({ guests: 1, memory: 5 * GIB }, () => {});
  const reclaimed: string[] = [];
  const spare = (name: string, memory = GIB) => admission.spare({ memory, cpus: 1 }, () => reclaimed.push(name));
  const leave = await admission.enter({ memory: GIB, cpus: 1 }, signal);
  expect(spare('too large', 4 * GIB)).toBeUndefined();
  const kept = spare('kept', 2 * GIB);
  expect(spare('one too many', 2 * GIB)).toBeUndefined();
  const large = admission.enter({ memory: 4 * GIB, cpus: 1 }, signal);
  expect(spare('late', 1)).toBeUndefined();
  expect(reclaimed).toEqual([]);
  leave();
  await large;
  expect(reclaimed).toEqual(['kept']);
  kept?.leave();
});

test('a spare one that enters waits for a place, and needs no memory that another one waits for', async () => {
  const admission = new Admission({ guests: 1, memory: 5 * GIB }, () => {});
  const order: string[] = [];
  const leave = await admission.enter({ memory: GIB, cpus: 1 }, signal);
  const spare = admission.spare({ memory: 2 * GIB, cpus: 1 }, () => order.push('reclaimed'));
  void admission.enter({ memory: 4 * GIB, cpus: 1 }, signal).then(() => order.push('large'));
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

test('a spare one that is gone before its turn keeps no place', async () => {
  const admission = new Admission({ guests: 1, memory: 5 * GIB }, () => {});
  const spare = admission.spare({ memory: GIB, cpus: 1 }, () => {});
  const leave = await admission.enter({ memory: GIB, cpus: 1 }, signal);
  const entered = spare?.enter(signal);
  spare?.leave();
  leave();
  await entered;
  (await admission.enter({ memory: GIB, cpus: 1 }, signal))();
});

test('processors are counted where there is a limit, and who is let in beyond the memory is told of', async () => {
  const said: string[] = [];
  const admission = new Admission({ guests: 9, memory: GIB, cpus: 2 }, (text) => said.push(text));
  const order: string[] = [];
  const enter = async (name: string, cpus: number, memory = GIB / 8) => {
    const leave = await admission.enter({ memory, cpus }, signal);
    order.push(name);
    return leave;
  };
  const four = enter('four', 4);
  const [one, other] = [enter('one', 1), enter('other', 1)];
  const third = enter('third', 1);
  await settled();
  expect(order).toEqual(['four']);
  (await four)();
  await settled();
  expect(order).toEqual(['four', 'one', 'other']);
  (await one)();
  await settled();
  expect(order).toEqual(['four', 'one', 'other', 'third']);
  for (const leave of [await other, await third]) leave();
  expect(said).toEqual([]);
  await enter('huge', 1, 4 * GIB);
  expect(said).toEqual(['a guest needs 4.1G with QEMU, and the host has 1G free: it may run out']);
});

import { expect, test } from 'vitest';
import { ReleaseStack } from '../../src/core/index.ts';

test('releases run last in, first out, each one, and their failures come together', async () => {
  const order: string[] = [];
  const stack = new ReleaseStack();
  stack.defer(() => order.push('first'));
  stack.defer(() => {
    order.push('second');
    throw new Error('two');
  });
  const take = stack.defer(() => order.push('taken back'));
  stack.defer(() => {
    order.push('third');
    throw new Error('three');
  });
  take();
  await expect(stack[Symbol.asyncDispose]()).rejects.toMatchObject({
    errors: [{ message: 'three' }, { message: 'two' }],
  });
  expect(order).toEqual(['third', 'second', 'first']);
});

test('what was moved is released by the new stack alone', async () => {
  const order: string[] = [];
  const stack = new ReleaseStack();
  stack.defer(() => order.push('released'));
  const moved = stack.move();
  await stack[Symbol.asyncDispose]();
  expect(order).toEqual([]);
  await moved[Symbol.asyncDispose]();
  expect(order).toEqual(['released']);
});

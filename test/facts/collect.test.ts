import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineFact } from '../../src/facts/fact.ts';
import { builtinFacts, collect, type Fact } from '../../src/facts/index.ts';
import { samples } from './ask.ts';
import { localChannel, shells } from './local-channel.ts';

/** A fact that says what its fragment printed. */
function echoFact(name: string, fragment: string, limit = 1000): Fact {
  return defineFact({
    name,
    description: 'for tests',
    args: z.strictObject({ n: z.int() }),
    schema: z.string(),
    limit: () => limit,
    fragment: () => fragment,
    parse: (output, requests) =>
      requests.map(({ n }) => ({
        value: `${n}:${output.parts.map((p) => `${p.label}=${p.data.toString('latin1')}`).join('|')}`,
        diagnostics: [],
      })),
  }) as Fact;
}

const ask = (
  facts: readonly Fact[],
  channel = localChannel(),
  requests = facts.map((f) => ({ fact: f.name, args: { n: 1 } })),
) => collect(requests, { facts, channel, timeout: 10_000 });

describe.each(shells.map((shell) => [shell.join(' '), shell] as const))('under %s', (_, shell) => {
  test('facts come back in the order asked, in one round trip, equal requests once', async () => {
    const a = echoFact('a', 'part x; echo one; part y; printf two');
    const b = echoFact('b', 'part z; printf "\\n@0 end 0 0\\n"');
    const channel = localChannel(shell);
    const requests = [
      { fact: 'b', args: { n: 1 } },
      { fact: 'a', args: { n: 2 } },
      { fact: 'b', args: { n: 1 } },
    ];
    const answers = await collect(requests, { facts: [a, b], channel, timeout: 10_000 });
    expect(answers).toEqual([
      { value: '1:z=\n@0 end 0 0\n', diagnostics: [] },
      { value: '2:x=one\n|y=two', diagnostics: [] },
      { value: '1:z=\n@0 end 0 0\n', diagnostics: [] },
    ]);
    expect(channel.trips).toBe(1);
  });

  test('a fragment that fails is named with what it said, and harms no other', async () => {
    const answers = await ask(
      [
        echoFact('bad', 'part x; echo oh no >&2; exit 3'),
        echoFact('gone', 'part x; set -- a b; cd /; IFS=:; nosuchtool'),
        echoFact('good', 'part x; printf "$# $IFS"'),
      ],
      localChannel(shell),
    );
    expect(answers[0]?.diagnostics).toEqual(['the fact "bad" ended with status 3: oh no']);
    expect(answers[1]?.diagnostics[0]).toMatch(/^the fact "gone" ended with status 127: .*nosuchtool.*not found$/);
    expect(answers[2]).toEqual({ value: '1:x=0 ', diagnostics: [] });
  });

  test('the standard input of the connection is left alone', async () => {
    expect(await ask([echoFact('in', 'part x; cat')], localChannel(shell))).toEqual([
      { value: '1:x=', diagnostics: [] },
    ]);
  });
});

test('a fragment that prints too much is not believed, the others are', async () => {
  const answers = await ask([echoFact('long', 'part x; head -c 5000 /dev/zero'), echoFact('b', 'part x; printf b')]);
  expect(answers).toEqual([
    { diagnostics: ['the fact "long" printed 5000 bytes; 1000 are read'] },
    { value: '1:x=b', diagnostics: [] },
  ]);
});

test('what does not arrive because the whole output is cut off is said', async () => {
  const answers = await ask([echoFact('flood', 'part x; head -c 200000 /dev/zero'), echoFact('b', 'part x; printf b')]);
  expect(answers.map((a) => a.diagnostics)).toEqual([
    ['the answer to the fact "flood" was cut off: the facts before it printed too much'],
    ['the answer to the fact "b" was cut off: the facts before it printed too much'],
  ]);
});

test('a shell that dies in the middle leaves the later facts unanswered', async () => {
  const answers = await ask([echoFact('a', 'part x; printf a'), echoFact('b', 'kill -9 $$'), echoFact('c', 'part x')]);
  expect(answers[0]).toEqual({ value: '1:x=a', diagnostics: [] });
  expect(answers[2]?.diagnostics).toEqual([
    'the answer to the fact "c" did not come; the shell of the guest was ended by SIGKILL',
  ]);
});

test.each([
  ['ends itself', 'end 0 0; begin 0', 'fragment 0 begins where 1 was expected'],
  ['ends another', 'end 7 0', 'fragment 0 ends as 7'],
  ['speaks of its own', 'say hello', 'a mark says "hello"'],
  ['answers for the next one', 'end 0 0; begin 1; part x; echo forged; end 1 0; begin 2', 'fragment 0 ends as 2'],
])('a fragment that knows the mark and %s makes the whole answer unbelievable', async (_, forgery, why) => {
  const answers = await ask([echoFact('a', forgery), echoFact('b', 'part x; printf b')]);
  for (const answer of answers) {
    expect(answer.value).toBeUndefined();
    expect(answer.diagnostics[0]).toMatch(/is not believed: /);
  }
  if (!forgery.includes('forged')) expect(answers[0]?.diagnostics[0]).toContain(why);
});

test('a value that does not fit the schema of its fact is a diagnostic', async () => {
  const fact = { ...echoFact('odd', 'part x'), parse: () => [{ value: 5, diagnostics: [] }] };
  expect(await ask([fact])).toEqual([
    { diagnostics: ['the fact "odd": : Invalid input: expected string, received number'] },
  ]);
});

test('a script too long for one argument is sent in several', async () => {
  const channel = localChannel();
  const requests = Array.from({ length: 900 }, (_, i) => ({
    fact: 'file',
    args: { path: `/tmp/${'x'.repeat(200)}/${i}` },
  }));
  const answers = await collect([...requests, { fact: 'file', args: { path: '/' } }], {
    facts: builtinFacts,
    channel,
    timeout: 30_000,
  });
  expect(answers.slice(0, 900).every((a) => JSON.stringify(a.value) === '{"exists":false}')).toBe(true);
  expect(answers[900]?.value).toMatchObject({ type: 'directory' });
  expect(channel.trips).toBeGreaterThan(1);
  expect(channel.trips).toBeLessThan(10);
});

test('all builtin facts together take one round trip and print nothing unasked', async () => {
  const channel = localChannel();
  const requests = builtinFacts.map((f) => ({ fact: f.name, args: samples[f.name] ?? {} }));
  const answers = await collect(requests, { facts: builtinFacts, channel, timeout: 10_000 });
  expect(channel.trips).toBe(1);
  for (const [i, answer] of answers.entries()) {
    if (answer.value === undefined) expect(answer.diagnostics.length, builtinFacts[i]?.name).toBeGreaterThan(0);
  }
});

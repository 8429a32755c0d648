import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJunit } from '../../src/suite/points/junit.ts';
import { parseTap } from '../../src/suite/points/tap.ts';
import { parseXml } from '../../src/suite/points/xml.ts';

const short = ({ points, problems }: ReturnType<typeof parseTap>) => [
  ...points.map(({ path, outcome, message }) => [path.join('/'), outcome, ...(message === undefined ? [] : [message])]),
  ...problems.map((problem) => ['!', problem]),
];

describe('TAP', () => {
  test('results, directives, diagnostics, a plan at the end', () => {
    const text = `TAP version 14
ok 1 - one
not ok 2 two
# it was
#   broken
  ---
  severity: fail
  ok: not a result
  ...
ok 3 - three # SKIP no hardware
not ok 4 - four # TODO later
ok 5 - five # todo
ok
some output
1..6
`;
    expect(short(parseTap(text))).toEqual([
      ['one', 'passed'],
      ['two', 'failed', 'it was\nbroken'],
      ['three', 'skipped', 'no hardware'],
      ['four', 'xfailed', 'later'],
      ['five', 'xpassed', 'TODO'],
      ['result 6', 'passed'],
    ]);
  });

  test('subtests belong to the result after them', () => {
    const text = `1..2
# Subtest: outer
    1..2
    ok 1 - a
        not ok 1 - deep
        1..1
    not ok 2 - b
not ok 1 - outer
ok 2 - plain
`;
    expect(short(parseTap(text))).toEqual([
      ['outer/a', 'passed'],
      ['outer/b/deep', 'failed'],
      ['plain', 'passed'],
    ]);
  });

  test('KTAP, out of a kernel log', () => {
    const text = `[    1.000000] KTAP version 1
[    1.000001] 1..1
[    1.000002]   KTAP version 1
[    1.000003]   # Subtest: list
[    1.000004]   1..2
[    1.000005]   ok 1 list_add
[    1.000006]   # list_del: EXPECTATION FAILED
[    1.000007]   not ok 2 list_del # TIMEOUT
[    1.000008] # list: pass:1 fail:1 skip:0 total:2
[    1.000009] not ok 1 list
[    1.000010] usb 1-1: new device
`;
    expect(short(parseTap(text))).toEqual([
      ['list/list_add', 'passed'],
      ['list/list_del', 'failed', 'TIMEOUT\nlist: pass:1 fail:1 skip:0 total:2'],
    ]);
  });

  test.each([
    ['', ['the program printed no result']],
    ['hello\nok_not a result\n', ['the program printed no result']],
    ['1..3\nok 1\nok 2\n', ['the plan is 1..3, but there are 2 results']],
    ['ok 1\nok 3\n1..2\n', ['result 2 has the number 3']],
    ['1..1\n1..2\nok 1\nok 2\n', ['there are two plans: 1..1 and 1..2']],
    [
      '1..2\nok 1\nBail out! no disk\nok 2\n',
      ['the program bailed out: no disk', 'the plan is 1..2, but there are 1 results'],
    ],
    ['1..1\n    1..2\n    ok 1 - a\nok 1 - outer\n', ['the plan of a subtest is 1..2, but there are 1 results']],
  ])('%j is not whole', (text, problems) => {
    expect(parseTap(text).problems).toEqual(problems);
  });

  test('a plan of nothing is a skip', () => {
    expect(short(parseTap('1..0 # SKIP no such device\n'))).toEqual([['all', 'skipped', 'no such device']]);
  });

  test('any text gives results that can be shown, and bounded ones', () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom(
        '1..2',
        'ok 1',
        'not ok 2 - x # TODO',
        '    ok 1 - a',
        '        1..3',
        '---',
        '...',
        'Bail out!',
        '# x',
      ),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 60 }), (lines) => {
        const { points, problems } = parseTap(lines.join('\n'));
        if (points.length === 0) expect(problems.length).toBeGreaterThan(0);
        for (const { path, outcome } of points) {
          expect(path.every((name) => name.length > 0 && name.length < 400)).toBe(true);
          expect(['passed', 'failed', 'skipped', 'xfailed', 'xpassed']).toContain(outcome);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be left
          expect(path.join('')).not.toMatch(/[\u0000-\u0008\u001b]/);
        }
      }),
    );
  });

  test('a report without an end is cut', () => {
    expect(parseTap('ok\n'.repeat(400_000)).problems.join()).toMatch(
      /longer than 1048576 characters.*more than 10000 results/,
    );
  });
});

describe('JUnit', () => {
  test('cases of suites at any depth', () => {
    const text = `<?xml version="1.0"?>
<!-- made by hand -->
<testsuites>
  <testsuite name="outer" tests="4">
    <properties><property name="a" value="b"/></properties>
    <testcase classname="pkg.Class" name="good" time="1.25"/>
    <testcase classname="outer" name="bad"><failure message="1 &lt; 2">trace</failure></testcase>
    <testcase name="worse"><error><![CDATA[<boom>]]></error></testcase>
    <testsuite name="inner"><testcase name="none"><skipped/></testcase></testsuite>
  </testsuite>
</testsuites>`;
    const report = parseJunit(text);
    expect(short(report)).toEqual([
      ['outer/pkg.Class/good', 'passed'],
      ['outer/bad', 'failed', '1 < 2'],
      ['outer/worse', 'failed', '<boom>'],
      ['outer/inner/none', 'skipped', 'no reason given'],
    ]);
    expect(report.points[0]?.durationMs).toBe(1250);
  });

  test.each([
    ['', 'the report is no XML: expected an element (at character 0)'],
    ['<html></html>', 'the report is no JUnit: its root is <html>'],
    ['<testsuite/>', 'the report has no test case'],
    ['<testsuite>', 'the report is no XML: an element has no end (at character 11)'],
    ['<testsuite></testcase>', 'the report is no XML: expected the end of <testsuite> (at character 21)'],
    ['<testsuite a="1" a="2"/>', 'the report is no XML: the attribute a stands twice (at character 18)'],
    ['<testsuite>&who;</testsuite>', 'the report is no XML: unknown reference &who; (at character 16)'],
    [
      '<!DOCTYPE a [<!ENTITY b "c">]><testsuite/>',
      'the report is no XML: document types are not read (at character 0)',
    ],
    [`${'<testsuite>'.repeat(100)}`, 'the report is no XML: elements are nested deeper than 64 (at character 704)'],
  ])('%j is refused', (text, problem) => {
    expect(parseJunit(text)).toEqual({ points: [], problems: [problem] });
  });

  test('what was written is read back, and anything else ends', () => {
    const name = fc.stringMatching(/^[A-Za-z_][\w.-]{0,8}$/);
    const text = fc.string().map((s) => s.replace(/[^\u0020-\ud7ff]/g, ''));
    const escaped = (s: string) => s.replace(/[&<"]/g, (c) => `&#${c.codePointAt(0)};`);
    fc.assert(
      fc.property(name, name, text, text, (element, attribute, value, content) => {
        const xml = `<${element} ${attribute}="${escaped(value)}">${escaped(content)}<x/></${element}>`;
        expect(parseXml(xml)).toMatchObject({ name: element, attributes: { [attribute]: value }, text: content });
      }),
    );
    fc.assert(
      fc.property(fc.string(), (any) => {
        expect(parseJunit(`<testsuite>${any}`).points).toEqual([]);
      }),
    );
  });
});

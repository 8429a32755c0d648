import { expect, test } from 'vitest';
import { optionTable } from '../../src/cli/options.ts';
import { chooseReporters, reporters } from '../../src/report/index.ts';

const names = (list?: string) => chooseReporters(list).map((reporter) => reporter.name);

test('run.json and junit.xml are always written, others when they are asked for, in the order of the registry', () => {
  expect(names()).toEqual(['json', 'junit']);
  expect(names('github,tap,json')).toEqual(['json', 'junit', 'tap', 'github']);
});

test('an unknown reporter is refused with the nearest name', () => {
  expect(() => names('tap,gihub')).toThrow(
    expect.objectContaining({ code: 'usage', message: 'no reporter is called gihub', hint: 'did you mean github?' }),
  );
});

test('the help of --reporter names every one that must be asked for', () => {
  for (const { name } of reporters) {
    if (!names().includes(name)) expect(optionTable.reporter.about).toContain(name);
  }
});

import { clip, printable } from '../../core/index.ts';
import type { RunRecord, TestRecord } from '../../schema/index.ts';
import { type Case, casesOf, isTrouble } from '../cases.ts';
import { failureLine } from '../wording.ts';
import { commandProperty, commandText } from './escape.ts';

/** GitHub shows ten annotations of a level for a step and drops the others without a word. */
const MOST = 10;
const LONGEST = 4096;

interface Annotation {
  title: string;
  message: string;
  position?: TestRecord['position'] | undefined;
}

/** The workflow commands that annotate the lines of the suites; at most ten of each level, the last says how many more. */
export function renderAnnotations(run: RunRecord): string {
  const commands = [
    ...bounded(errorsOf(run)).map((annotation) => render('error', annotation, run.directory)),
    ...bounded(flakyOf(run)).map((annotation) => render('warning', annotation, run.directory)),
  ];
  return commands.map((line) => `${line}\n`).join('');
}

/** Every failure where it stands, dead boots and health findings first: they explain what follows. */
function errorsOf(run: RunRecord): Annotation[] {
  const unasked = casesOf({ ...run, suites: [] }).flatMap((group) => group.cases.filter(isTrouble).map(whole));
  const tests = run.suites.flatMap((suite) =>
    suite.tests.filter(isTrouble).flatMap((test): Annotation[] => {
      const title = `${suite.name} > ${test.name}`;
      if (test.failures.length === 0) {
        return [{ title, message: test.error?.message ?? test.outcome, position: test.position }];
      }
      return test.failures.map((failure) => ({
        title,
        message: failureLine(failure),
        position: failure.position ?? test.position,
      }));
    }),
  );
  return [...unasked, ...tests];
}

function whole({ name, text, message }: Case): Annotation {
  return { title: name, message: text ?? message ?? '' };
}

function flakyOf(run: RunRecord): Annotation[] {
  return run.suites.flatMap((suite) =>
    suite.tests
      .filter((test) => test.outcome === 'flaky')
      .map((test) => ({
        title: `${suite.name} > ${test.name}`,
        message: `passed after ${test.retries} retries`,
        position: test.position,
      })),
  );
}

function bounded(all: Annotation[]): Annotation[] {
  if (all.length <= MOST) return all;
  const more = all.length - MOST + 1;
  return [...all.slice(0, MOST - 1), { title: 'gvm', message: `and ${more} more: see the job summary` }];
}

function render(level: 'error' | 'warning', { title, message, position }: Annotation, directory = ''): string {
  const fit = (text: string) => printable(clip(text, LONGEST));
  const file = position && [directory, position.file].filter((part) => part !== '').join('/');
  const properties = [
    ...(position
      ? [`file=${commandProperty(fit(file ?? ''))}`, `line=${position.line}`, `col=${position.column}`]
      : []),
    `title=${commandProperty(fit(title))}`,
  ];
  return `::${level} ${properties.join(',')}::${commandText(fit(message))}`;
}

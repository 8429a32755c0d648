// Reads JUnit reports as Ant, Maven, pytest and others write them (the XSDs of Jenkins' xunit plugin): test cases in
// suites at any depth, with failure, error or skipped. Not read: properties, attachments, captured output.
import { clip, printable } from '../../core/index.ts';
import { LONGEST_NAME, LONGEST_REPORT, MOST_POINTS, type PointReport, type TestPoint } from './point.ts';
import { parseXml, type XmlElement, XmlError } from './xml.ts';

/** Reads a report; one that is no JUnit is a problem and has no points. */
export function parseJunit(text: string): PointReport {
  const refuse = (problem: string): PointReport => ({ points: [], problems: [problem] });
  if (text.length > LONGEST_REPORT) return refuse(`the report is longer than ${LONGEST_REPORT} characters`);
  let root: XmlElement;
  try {
    root = parseXml(text);
  } catch (error) {
    if (error instanceof XmlError) return refuse(`the report is no XML: ${error.message}`);
    throw error;
  }
  if (root.name !== 'testsuites' && root.name !== 'testsuite')
    return refuse(`the report is no JUnit: its root is <${shown(root.name)}>`);
  const points = pointsOf(root, []);
  if (points.length > MOST_POINTS) return refuse(`there are more than ${MOST_POINTS} test cases`);
  return { points, problems: points.length === 0 ? ['the report has no test case'] : [] };
}

function pointsOf({ name, attributes, children }: XmlElement, above: readonly string[]): TestPoint[] {
  const own = name === 'testsuite' && attributes.name ? [...above, shown(attributes.name)] : above;
  return children.flatMap((child) => {
    if (child.name === 'testcase') return [pointOf(child, own)];
    return child.name === 'testsuite' ? pointsOf(child, own) : [];
  });
}

function pointOf({ attributes, children }: XmlElement, above: readonly string[]): TestPoint {
  const { name = 'unnamed', classname = '', time } = attributes;
  const group = classname !== '' && classname !== above.at(-1) ? [shown(classname)] : [];
  const seconds = Number(time?.replaceAll(',', ''));
  const bad = children.find((child) => child.name === 'failure' || child.name === 'error');
  const skipped = children.find((child) => child.name === 'skipped');
  const said = bad ?? skipped;
  const message = said && shown(said.attributes.message || said.text.trim());
  return {
    path: [...above, ...group, shown(name)],
    outcome: bad ? 'failed' : skipped ? 'skipped' : 'passed',
    ...(said ? { message: message || (bad ? bad.name : 'no reason given') } : {}),
    ...(Number.isFinite(seconds) && seconds >= 0 ? { durationMs: seconds * 1000 } : {}),
  };
}

const shown = (text: string): string => clip(printable(text), LONGEST_NAME);

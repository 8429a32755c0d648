// Reads the Test Anything Protocol 12 to 14 (testanything.org) and KTAP 1 (Documentation/dev-tools/ktap.rst): results
// with directives, plans, subtests by indentation, diagnostics after a failure, bail-outs. Lines of a kernel log may
// have its time stamps. Not read: pragmas, the values in YAML blocks; any other line is the program's own output.
import { clip, printable } from '../../core/index.ts';
import { LONGEST_NAME, LONGEST_REPORT, MOST_POINTS, type PointReport, type TestPoint } from './point.ts';

const STAMP = /^(?:<\d+>)?\[ *\d+\.\d{6}\](?:\[ *[TC]\d+\])? /;
const RESULT = /^(not )?ok\b(?:[ \t]+(\d{1,9}))?[ \t]*(?:-[ \t]+)?(.*)$/;
const PLAN = /^1\.\.(\d{1,9})(?:[ \t]*#[ \t]*(.*))?$/;
const DIRECTIVE = /(?:^|[^\\])#[ \t]*(SKIP|TODO|XFAIL|TIMEOUT|ERROR)\b:?[ \t]*(.*)$/i;
const MOST_DIAGNOSTICS = 20;

/** What is known of one level of subtests until the result that ends it. */
interface Level {
  indent: number;
  /** Points of this level and of those below it, with paths from here on. */
  points: TestPoint[];
  results: number;
  plan?: number;
  skipAll?: string;
  /** Points of the level below, which belong to the next result of this one. */
  below: TestPoint[];
}

/** Reads a report. What contradicts itself is a problem: a plan that is not kept, no result at all, a bail-out. */
export function parseTap(text: string): PointReport {
  const problems: string[] = [];
  if (text.length > LONGEST_REPORT)
    problems.push(`the report is longer than ${LONGEST_REPORT} characters; the rest is not read`);
  const reader = new TapReader(problems);
  for (const line of text.slice(0, LONGEST_REPORT).split('\n')) if (!reader.take(line)) break;
  return { points: reader.end(), problems };
}

class TapReader {
  readonly #problems: string[];
  readonly #levels: Level[] = [newLevel(0)];
  /** The last point, to which diagnostics belong. */
  #last: TestPoint | undefined;
  #diagnostics = 0;
  #count = 0;
  #inBlock = false;

  constructor(problems: string[]) {
    this.#problems = problems;
  }

  /** @returns whether to go on */
  take(raw: string): boolean {
    const line = raw.replace(/\r$/, '').replace(STAMP, '');
    const text = line.trimStart();
    const indent = line.length - text.length;
    if (this.#inBlock || /^---$/.test(text)) {
      this.#inBlock = text !== '...';
      return true;
    }
    const bail = /^Bail out!\s*(.*)$/i.exec(text);
    if (bail) {
      this.#problems.push(`the program bailed out${bail[1] ? `: ${shown(bail[1])}` : ''}`);
      return false;
    }
    const plan = PLAN.exec(text);
    if (plan) return this.#planned(indent, Number(plan[1]), plan[2]);
    const result = RESULT.exec(text);
    if (result) return this.#result(indent, result);
    if (text.startsWith('#')) this.#diagnose(text.slice(1).trim());
    return true;
  }

  end(): TestPoint[] {
    while (this.#levels.length > 1) this.#close();
    const [top] = this.#levels;
    if (!top) return [];
    this.#check(top, '');
    const points = [...top.points, ...top.below];
    if (points.length === 0 && top.skipAll !== undefined)
      return [{ path: ['all'], outcome: 'skipped', message: top.skipAll }];
    if (points.length === 0) this.#problems.push('the program printed no result');
    return points;
  }

  #planned(indent: number, count: number, comment: string | undefined): boolean {
    const level = this.#level(indent);
    if (level.plan !== undefined) this.#problems.push(`there are two plans: 1..${level.plan} and 1..${count}`);
    level.plan = count;
    const skip = /^SKIP\S*\s*(.*)$/i.exec(comment ?? '');
    if (count === 0) level.skipAll = shown(skip?.[1] || 'nothing was planned');
    return true;
  }

  #result(indent: number, [, not, number, rest = '']: RegExpExecArray): boolean {
    if (++this.#count > MOST_POINTS) {
      this.#problems.push(`there are more than ${MOST_POINTS} results; the rest is not read`);
      return false;
    }
    const level = this.#level(indent);
    level.results++;
    if (number !== undefined && Number(number) !== level.results)
      this.#problems.push(`result ${level.results} has the number ${number}`);
    const directive = DIRECTIVE.exec(rest);
    const name = shown(
      (directive ? rest.slice(0, directive.index + (rest[directive.index] === '#' ? 0 : 1)) : rest).trim(),
    );
    const point = pointOf(name || `result ${level.results}`, not !== undefined, directive);
    const children = level.below;
    level.below = [];
    this.#diagnostics = 0;
    this.#last = point;
    if (children.length === 0) {
      level.points.push(point);
      return true;
    }
    const [own = ''] = point.path;
    level.points.push(...children.map((child) => ({ ...child, path: [own, ...child.path] })));
    // A failure that none of its parts explains is one of its own.
    if (point.outcome === 'failed' && !children.some(({ outcome }) => outcome === 'failed')) level.points.push(point);
    return true;
  }

  #diagnose(text: string): void {
    const last = this.#last;
    if (last?.outcome !== 'failed' || /^Subtest\b/i.test(text) || this.#diagnostics++ >= MOST_DIAGNOSTICS) return;
    last.message = [last.message, shown(text)].filter(Boolean).join('\n');
  }

  /** The level of an indentation; deeper ones have ended. */
  #level(indent: number): Level {
    while (this.#levels.length > 1 && (this.#levels.at(-1)?.indent ?? 0) > indent) this.#close();
    const top = this.#levels.at(-1) ?? newLevel(0);
    if (top.indent >= indent) return top;
    const level = newLevel(indent);
    this.#levels.push(level);
    return level;
  }

  #close(): void {
    const level = this.#levels.pop();
    if (!level) return;
    this.#check(level, ' of a subtest');
    const parts = [...level.points, ...level.below];
    if (level.skipAll !== undefined && parts.length === 0)
      parts.push({ path: ['all'], outcome: 'skipped', message: level.skipAll });
    this.#levels.at(-1)?.below.push(...parts);
  }

  #check({ plan, results }: Level, where: string): void {
    if (plan !== undefined && plan !== results)
      this.#problems.push(`the plan${where} is 1..${plan}, but there are ${results} results`);
  }
}

function newLevel(indent: number): Level {
  return { indent, points: [], results: 0, below: [] };
}

function pointOf(name: string, failed: boolean, directive: RegExpExecArray | null): TestPoint {
  const path = [name];
  const [, word = '', reason = ''] = directive ?? [];
  const said = reason.trim() === '' ? {} : { message: shown(reason.trim()) };
  switch (word.toUpperCase()) {
    case 'SKIP':
      return { path, outcome: 'skipped', message: said.message ?? 'no reason given' };
    case 'TODO':
    case 'XFAIL':
      return { path, outcome: failed ? 'xfailed' : 'xpassed', message: said.message ?? word.toUpperCase() };
    case 'TIMEOUT':
    case 'ERROR':
      return {
        path,
        outcome: failed ? 'failed' : 'passed',
        message: [word.toUpperCase(), said.message].filter(Boolean).join(': '),
      };
    default:
      return { path, outcome: failed ? 'failed' : 'passed' };
  }
}

const shown = (text: string): string => clip(printable(text), LONGEST_NAME);

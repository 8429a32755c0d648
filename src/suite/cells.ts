import { formatSize } from '../core/index.ts';
import { GvmError } from '../errors/index.ts';
import { type MachineKeys, type MatrixAxis, type MatrixKeys, matrixAxes } from '../schema/index.ts';
import type { Cell, SuitePlan } from './plan.ts';

const MOST_CELLS = 512;

type Combination = Partial<Record<MatrixAxis, string | number>>;

/**
 * The plans in every cell of their matrix: that of the project, over it that of the suite, over it the command line's,
 * each axis by itself. A plan without a matrix stays as it is.
 * @param times how often each cell is run, every time with guests of its own
 * @throws GvmError `usage` for a matrix of which nothing or far too much is left
 */
export function expandCells(
  plans: readonly SuitePlan[],
  project: MatrixKeys,
  options: MatrixKeys,
  times = 1,
): SuitePlan[] {
  return plans.flatMap((plan) => {
    const cells = cellsOf({ ...project, ...plan.matrix, ...options });
    return cells.flatMap((cell) => repeated(cell, times)).map((cell) => inCell(plan, cell));
  });
}

function repeated(cell: Cell, times: number): Cell[] {
  if (times === 1) return [cell];
  return Array.from({ length: times }, (_, i) => ({
    ...cell,
    name: [cell.name, `${i + 1} of ${times}`].filter((part) => part !== '').join(', '),
    values: { ...cell.values, run: String(i + 1) },
  }));
}

function inCell(plan: SuitePlan, cell: Cell): SuitePlan {
  const { name } = cell;
  if (name === '') return { ...plan, cell };
  return {
    ...plan,
    cell,
    key: `${plan.key} [${name}]`,
    name: `${plan.name} [${name}]`,
    tests: plan.tests.map((test) => ({ ...test, id: `${test.id} [${name}]` })),
  };
}

/** Every combination of a matrix, the first axis turning slowest. One without choices is one cell without a name. */
export function cellsOf(matrix: MatrixKeys): Cell[] {
  const seen = new Map<string, Combination>();
  const excluded = matrix.exclude ?? [];
  for (const combination of combine(matrix)) {
    if (excluded.some((rule) => meets(combination, rule as Combination))) continue;
    // A kernel is started by QEMU alone: behind a firmware the image boots its own, once.
    const { kernel, ...others } = combination;
    const behind = matrix.firmware !== undefined && combination.firmware !== 'direct';
    const kept: Combination = behind || kernel === undefined ? others : combination;
    seen.set(JSON.stringify(matrixAxes.map((axis) => kept[axis])), kept);
  }
  if (seen.size === 0) throw new GvmError({ code: 'usage', message: 'matrix: exclude leaves no combination' });
  const combinations = [...seen.values()];
  const varied = matrixAxes.filter((axis) => new Set(combinations.map((one) => one[axis])).size > 1);
  const short = (one: Combination) =>
    varied.flatMap((axis) => (one[axis] === undefined ? [] : [shown(axis, one[axis])]));
  const names = combinations.map((one) => short(one).join(', '));
  return combinations.map((one, index) => {
    const name = names[index] ?? '';
    // Two files of one name are told apart by their paths.
    const unique = names.filter((other) => other === name).length === 1;
    return cellOf(one, unique ? name : varied.flatMap((axis) => one[axis] ?? []).join(', '));
  });
}

function combine(matrix: MatrixKeys): Combination[] {
  let combinations: Combination[] = [{}];
  for (const axis of matrixAxes) {
    const values = matrix[axis];
    if (!values) continue;
    combinations = combinations.flatMap((one) => values.map((value) => ({ ...one, [axis]: value })));
    if (combinations.length <= MOST_CELLS) continue;
    throw new GvmError({ code: 'usage', message: `matrix: more than ${MOST_CELLS} combinations` });
  }
  return combinations;
}

function meets(combination: Combination, rule: Combination): boolean {
  return matrixAxes.every((axis) => rule[axis] === undefined || rule[axis] === combination[axis]);
}

function cellOf(one: Combination, name: string): Cell {
  const { image, ...machine } = one;
  const values = matrixAxes.flatMap((axis) => (one[axis] === undefined ? [] : [[axis, String(one[axis])]]));
  return {
    name,
    values: Object.fromEntries(values),
    ...(image === undefined ? {} : { image: String(image) }),
    machine: machine as MachineKeys,
  };
}

/** A value as the name of a cell shows it. */
function shown(axis: MatrixAxis, value: string | number): string {
  switch (axis) {
    case 'image':
      return baseName(String(value)).replace(/\.(qcow2|raw|img)$/, '');
    case 'kernel':
      return kernelName(baseName(String(value)));
    case 'memory':
      return formatSize(Number(value));
    case 'cpus':
      return `${value} CPUs`;
    case 'sector':
      return `sectors of ${value}`;
    default:
      return String(value);
  }
}

const baseName = (path: string) => path.replace(/\/+$/, '').split('/').at(-1) ?? path;

/** `linux-image-6.1.0-9-amd64_6.1.67-1_amd64.deb` and `vmlinuz-6.1.0-9-amd64` are both `6.1.0-9-amd64`. */
function kernelName(file: string): string {
  return file
    .replace(/\.deb$/, '')
    .replace(/_[^_]*_[^_]*$/, '')
    .replace(/^(linux-image|vmlinuz|vmlinux|kernel)-/, '');
}

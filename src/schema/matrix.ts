import { z } from 'zod';
import { machineSchema } from './machine.ts';

const { arch, firmware, bus, sector, cpu, memory, cpus } = machineSchema.shape;
const word = z.string().min(1);

const axes = {
  image: word,
  kernel: word,
  arch: arch.unwrap(),
  firmware: firmware.unwrap(),
  bus: bus.unwrap(),
  sector: sector.unwrap(),
  cpu: cpu.unwrap(),
  memory: memory.unwrap(),
  cpus: cpus.unwrap(),
};

function values<T extends z.ZodType>(value: T) {
  return z.array(value).min(1).max(64).optional();
}

/** Machine variants: each combination of the values is a cell, in which the suites run on a guest of their own. */
export const matrixSchema = z
  .strictObject({
    image: values(axes.image),
    kernel: values(axes.kernel).meta({ description: 'only in cells whose firmware is direct' }),
    arch: values(axes.arch),
    firmware: values(axes.firmware),
    bus: values(axes.bus),
    sector: values(axes.sector),
    cpu: values(axes.cpu),
    memory: values(axes.memory),
    cpus: values(axes.cpus),
    exclude: z
      .array(z.strictObject(axes).partial())
      .optional()
      .meta({ description: 'combinations that are left out: those in which all these values meet' }),
  })
  .meta({ id: 'Matrix', description: 'machine variants; the suites run in every combination' });

export type MatrixKeys = z.output<typeof matrixSchema>;
export type MatrixAxis = keyof typeof axes;

/** Every axis, in the order in which the name of a cell gives its values. */
export const matrixAxes = Object.keys(axes) as MatrixAxis[];

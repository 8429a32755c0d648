import type { Command } from '../command.ts';
import { boot } from './boot.ts';
import { config } from './config.ts';
import { doctor } from './doctor.ts';
import { image } from './image.ts';
import { ps } from './ps.ts';
import { run } from './run.ts';
import { schema } from './schema.ts';
import { ssh } from './ssh.ts';
import { stop } from './stop.ts';
import { test } from './test.ts';

/** Every command, in the order of help. */
export const commands: readonly Command[] = [test, boot, ssh, ps, stop, run, image, doctor, config, schema];

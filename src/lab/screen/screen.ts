import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Machine } from '../../machine/index.ts';
import { createOwnFile } from '../own-file.ts';
import { encodePng } from './png.ts';
import { isBlank, parsePpm } from './ppm.ts';
import { isTextMode, parsePort, parseWords, screenText, WINDOW } from './text.ts';

/** What a guest's screen showed. */
export interface Screen {
  /** A PNG file. */
  picture: string;
  /** Its lines, where it was in text mode. */
  text: string[];
}

const TIMEOUT = 2000;
/** Registers of the CRT controller: index port, data port, and the two halves of the start address. */
const CRTC = { index: '0x3d4', data: '0x3d5', high: 0x0c, low: 0x0d } as const;

/** The file that QEMU writes pictures to. */
export function screenFile(folder: string): string {
  return join(folder, 'screen.ppm');
}

/** Makes that file before QEMU starts. */
export async function createScreenFile(folder: string): Promise<void> {
  await createOwnFile(screenFile(folder), 0);
}

/**
 * A picture of a guest's screen, and its text. The registers of the screen are used for it, so the guest must be one that
 * is given up.
 * @returns undefined where it has no screen, nothing is on it, or QEMU has ended
 */
export async function lookAtScreen(machine: Machine, folder: string): Promise<Screen | undefined> {
  try {
    if (!(await machine.drawScreen())) return undefined;
    const drawn = parsePpm(await readFile(screenFile(folder)));
    if (!drawn || isBlank(drawn)) return undefined;
    const picture = join(folder, 'screen.png');
    await writeFile(picture, encodePng(drawn), { mode: 0o600 });
    return { picture, text: isTextMode(drawn) ? await readText(machine) : [] };
  } catch {
    // Whatever failed of this, the boot failed of something else.
    return undefined;
  }
}

async function readText(machine: Machine): Promise<string[]> {
  const ask = (command: string) =>
    machine.qmp.execute('human-monitor-command', { 'command-line': command }, { timeout: TIMEOUT });
  const register = async (number: number) => {
    await ask(`o /b ${CRTC.index} ${number}`);
    return parsePort(await ask(`i /b ${CRTC.data}`));
  };
  const start = (await register(CRTC.high)) * 256 + (await register(CRTC.low));
  return screenText(parseWords(await ask(`xp /${WINDOW / 4}xw 0xb8000`)), start);
}

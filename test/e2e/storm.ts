import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Finished, gvm, home, listing, project, start, survivors } from './gvm.ts';

/** When a signal is sent: a line that marks the phase of the run, and milliseconds after it. */
export interface Moment {
  phase: 'boot' | 'suite' | 'teardown';
  delay: number;
}

const marks = { boot: /boots openrc/, suite: /is ready/, teardown: /› last/ } as const;

/** Delays that end within each phase under software emulation on a quick host: later there is nothing to strike. */
const spans = { boot: 5000, suite: 1500, teardown: 300 } as const;

export function randomMoment(): Moment {
  const phases = Object.keys(marks) as Moment['phase'][];
  const phase = phases[Math.floor(Math.random() * phases.length)] ?? 'boot';
  return { phase, delay: Math.random() * spans[phase] };
}

export interface Aftermath {
  finished: Finished;
  /** Milliseconds from the last signal to the end of gvm. */
  took: number;
  /** Processes of the run that are alive 5 s after its end. */
  alive: string[];
  /** Files that the run left: its temporary folder, its guests' folders. */
  files: string[];
  /** The same after the next start of gvm. */
  filesAfterNextStart: string[];
}

const suite = `suite: storm
tests:
  - name: first
    command: { run: "sleep 1" }
  - name: last
    command: { run: "true" }
`;

/** Starts a run in a temporary folder of its own, sends the signals at the moment, and looks at what is left. */
export async function strike(signals: readonly NodeJS.Signals[], moment: Moment): Promise<Aftermath> {
  const { folder, remove } = project({ 'suites/storm.gvm.yaml': suite });
  const temporary = mkdtempSync(join(tmpdir(), 'gvm-storm-'));
  mkdirSync(join(temporary, 'tmp'));
  const [name, value] = ['GVM_STORM', randomUUID()];
  const env = { TMPDIR: join(temporary, 'tmp'), XDG_RUNTIME_DIR: '', [name]: value };
  const runs = new Set(listing(join(home, 'runs')));
  const left = () => [
    ...listing(env.TMPDIR).filter((file) => !/^gvm-\d+$/.test(file)),
    ...listing(join(home, 'runs')).filter((file) => !runs.has(file)),
  ];
  try {
    const run = start(['test', '-v'], { cwd: folder, env });
    await run.said(marks[moment.phase]);
    await pause(moment.delay);
    for (const signal of signals) {
      run.kill(signal);
      if (signals.length > 1) await pause(20);
    }
    const struck = performance.now();
    const finished = await run.done;
    const took = performance.now() - struck;
    const alive = await survivors(5000, `${name}=${value}`);
    const files = left();
    await gvm(['ps'], { cwd: folder, env });
    return { finished, took, alive, files, filesAfterNextStart: left() };
  } finally {
    remove();
    rmSync(temporary, { recursive: true, force: true });
  }
}

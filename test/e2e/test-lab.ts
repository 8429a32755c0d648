import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machineLayer } from '../../src/config/index.ts';
import { ReleaseStack, silentLog } from '../../src/core/index.ts';
import { chooseAccelerator, proveAccelerators } from '../../src/host/index.ts';
import { describeGuest, openStore } from '../../src/image/index.ts';
import { type GuestSpec, type Lab, openLab } from '../../src/lab/index.ts';
import { home, repository } from './gvm.ts';

/** A lab in state folders of its own, and guests of the default image, which the store of the user has. */
export interface TestLab extends AsyncDisposable {
  lab: Lab;
  /** The lab's state folders. */
  state: { home: string; runtime: string };
  /** The processes that carry the run's name. */
  processes(): string[];
  describe(guest: string, machine?: Record<string, unknown>, image?: string): Promise<GuestSpec>;
}

export async function openTestLab(place = tmpdir()): Promise<TestLab> {
  await using release = new ReleaseStack();
  const folder = mkdtempSync(join(place, 'gvm-lab-'));
  release.defer(() => rmSync(folder, { recursive: true, force: true }));
  const state = { home: join(folder, 'home'), runtime: join(folder, 'runtime') };
  const accelerator = chooseAccelerator('auto', await proveAccelerators({ log: silentLog, cacheDir: home }));
  const lab = release.use(await openLab({ ...state, log: silentLog, accelerator }));
  const all = release.move();
  return {
    lab,
    state,
    processes: () =>
      readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && commandLine(pid).includes(`gvm-${lab.run}-`)),
    describe: (guest, machine = {}, image = 'openrc') =>
      describeGuest({
        image,
        guest,
        cwd: folder,
        recipes: [join(repository, 'images')],
        store: openStore(home),
        layers: [machineLayer('the test', machine)],
        scale: lab.scale,
        log: silentLog,
        version: '0.0.0',
      }),
    [Symbol.asyncDispose]: () => all[Symbol.asyncDispose](),
  };
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

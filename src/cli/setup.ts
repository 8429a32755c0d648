import { fileLayer, type MachineLayer, machineLayer, type Settings, selectAccelerator } from '../config/index.ts';
import { GvmError, isGvmError } from '../errors/index.ts';
import { type AcceleratorChoice, chooseAccelerator, proveAccelerators } from '../host/index.ts';
import { describeGuest, openStore } from '../image/index.ts';
import { type Guest, type GuestSpec, type Lab, type Ownership, openLab } from '../lab/index.ts';
import type { ChannelKey } from '../schema/index.ts';
import { logBuild } from './build-progress.ts';
import type { Context } from './command.ts';
import { machineOptions, upperLayers } from './machine-options.ts';
import type { OptionName } from './options.ts';
import { version } from './version.ts';

/** The options by which a command takes an image. */
export const imageOptions = ['format', 'allow-backing'] as const satisfies OptionName[];

/** The options of a command that boots images. */
export const bootOptions = ['kernel', ...imageOptions, ...machineOptions] as const satisfies OptionName[];

/** All that a command needs to boot guests. Disposing of it ends them. */
export interface Setup extends AsyncDisposable {
  settings: Settings;
  accelerator: AcceleratorChoice;
  lab: Lab;
  /** Passwords of the guests described so far: what must not be shown. */
  secrets: ReadonlySet<string>;
  /** A guest of an image, by name or file; `own` are the layers between gvm.yaml and the command line. */
  describe(image: string, guest: string, own?: readonly MachineLayer[], channel?: ChannelKey): Promise<GuestSpec>;
  /** Boots a guest of an image and waits until it is ready. */
  start(image: string, guest: string): Promise<Guest>;
}

/**
 * Chooses the accelerator by proof, says aloud where KVM has to be done without, and opens a lab.
 * @throws GvmError `accelerator-unavailable` when the one asked for does not work here
 */
export async function openSetup(context: Context, ownership: Ownership): Promise<Setup> {
  const { log } = context;
  const { signal } = ownership;
  const settings = await context.settings();
  const upper = upperLayers(context);
  const project = fileLayer(settings.file ?? 'gvm.yaml', settings.machine, settings.root);
  const state = await context.state();
  const proof = await proveAccelerators({ log, cacheDir: state.home, signal });
  const accelerator = chooseAccelerator(selectAccelerator([project, ...upper]), proof);
  if (accelerator.fallback) log.info(`guests run under TCG, software emulation: ${accelerator.reason}`);
  const lab = await openLab({ ...state, log, accelerator, ownership });
  const store = openStore(state.home);
  const secrets = new Set<string>();
  const describe: Setup['describe'] = async (image, guest, own = [], channel) => {
    const spec = await describeGuest({
      image: image === 'default' ? settings.image : image,
      guest,
      cwd: context.cwd,
      recipes: settings.images,
      store,
      layers: [project, ...own, ...upper],
      channel,
      format: context.text('format'),
      allow: context.texts('allow-backing'),
      scale: lab.scale,
      log,
      signal,
      version: version(),
      onEvent: logBuild(log),
    });
    const password = process.env[spec.machine.login.passwordEnv ?? ''];
    if (password) secrets.add(password);
    return spec;
  };
  return {
    settings,
    accelerator,
    lab,
    secrets,
    describe,
    start: async (image, guest) => {
      const spec = await describe(image, guest, kernelLayers(context));
      try {
        return await lab.start(spec, { signal });
      } catch (error) {
        // What is left of it shows why.
        if (isGvmError(error) && error.exitCode === 3) lab.keep(spec);
        throw error;
      }
    },
    [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose](),
  };
}

/** `--kernel` of a command that boots one guest. @throws GvmError `usage` where it is given twice */
function kernelLayers(context: Context): MachineLayer[] {
  const [kernel, second] = context.texts('kernel');
  if (second !== undefined) throw new GvmError({ code: 'usage', message: '--kernel: one guest boots one kernel' });
  return kernel === undefined ? [] : [machineLayer('--kernel', { kernel })];
}

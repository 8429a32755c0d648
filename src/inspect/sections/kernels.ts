import { kernelReleases, type PoweredOff } from '../../facts/powered-off.ts';
import { examineInitramfs } from '../initramfs.ts';
import { defineSection, type Told, type Zod } from '../section.ts';

// The kernels of a disk, each with its image, configuration, modules and initramfs. Of the initramfs is told what it
// holds and which modules that the root device needs it lacks.

const schema = (z: Zod) =>
  z.array(
    z.strictObject({
      release: z.string(),
      image: z.string().optional(),
      config: z.string().optional(),
      modules: z.int().optional().meta({ description: 'how many modules.dep names' }),
      initramfs: z
        .strictObject({
          path: z.string(),
          size: z.number(),
          files: z.int(),
          modules: z.array(z.string()),
          missing: z
            .array(z.string())
            .meta({ description: 'needed for the root on a virtio disk, neither here nor built in' }),
        })
        .optional(),
    }),
  );

type Kernels = Told<typeof schema>;

export const kernelsSection = defineSection<Kernels>({
  name: 'kernels',
  title: 'Kernels',
  schema,
  async read({ disk, note }) {
    const kernels: Kernels = [];
    for (const release of (await kernelReleases(disk)).slice(0, 32)) {
      const image = await firstOf(
        disk,
        ['vmlinuz', 'vmlinux', 'kernel', 'bzImage'].map((name) => `/boot/${name}-${release}`),
      );
      const config = await firstOf(disk, [`/boot/config-${release}`, `/lib/modules/${release}/config`]);
      const dep = await disk.text(`/lib/modules/${release}/modules.dep`);
      const initramfs = await examineInitramfs(disk, release, note);
      kernels.push({
        release,
        ...(image === undefined ? {} : { image }),
        ...(config === undefined ? {} : { config }),
        ...(dep === undefined ? {} : { modules: dep.split('\n').filter((line) => line.includes(':')).length }),
        ...(initramfs ? { initramfs } : {}),
      });
    }
    return kernels.length === 0 ? undefined : kernels;
  },
  rows: (kernels) =>
    kernels.flatMap(({ release, image, config, modules, initramfs }) => [
      [
        release,
        image ?? 'no image',
        modules === undefined ? 'no modules' : `${modules} modules`,
        config ?? 'no configuration',
      ],
      ...(initramfs
        ? [['  initramfs', initramfs.path, `${initramfs.files} files, ${initramfs.modules.length} modules`]]
        : []),
      ...(initramfs && initramfs.missing.length > 0 ? [['', `! the root needs ${initramfs.missing.join(', ')}`]] : []),
    ]),
});

async function firstOf(disk: PoweredOff, paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await disk.find(path)) return path;
  return undefined;
}

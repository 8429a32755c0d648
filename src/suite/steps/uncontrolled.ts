import { GvmError } from '../../errors/index.ts';

/** A step that needs the guest's power or cables, where they are not in our hands. */
export function uncontrolled(step: string): GvmError {
  return new GvmError({
    code: 'usage',
    message: `the step ${step} needs a guest that gvm itself has started`,
    hint: 'run the suite with gvm test',
  });
}

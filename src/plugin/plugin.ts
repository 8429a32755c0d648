import type { Fact } from '../facts/index.ts';
import type { CheckKind, Matcher } from '../suite/index.ts';

/** What a third party adds to gvm: the very types of gvm's own kinds. */
export interface Plugin {
  /** Its name in messages. */
  name: string;
  checks?: readonly CheckKind[];
  facts?: readonly Fact[];
  matchers?: readonly Matcher[];
}

/** A plugin as it was written, before its kinds are mixed with others. */
export interface PluginDefinition {
  name: string;
  // Each kind knows the type of its own declaration; a list of them does not.
  // biome-ignore lint/suspicious/noExplicitAny: the types meet in the definition of each kind
  checks?: readonly any[];
  // biome-ignore lint/suspicious/noExplicitAny: as above
  facts?: readonly any[];
  matchers?: readonly Matcher[];
}

/** The default export of a plugin's file. */
export function definePlugin(plugin: PluginDefinition): Plugin {
  return plugin;
}

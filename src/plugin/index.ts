// What a plugin imports, as `gvm-test/plugin`: the types of gvm's own kinds and what they are made with.

export { z } from 'zod';
export { shellQuote } from '../core/index.ts';
export {
  defineFact,
  type Fact,
  type FactOutput,
  linesOf,
  outputOf,
  type PoweredOff,
  Unanswerable,
} from '../facts/index.ts';
export { duration, size } from '../schema/index.ts';
export {
  type ActiveCheck,
  type CheckKind,
  type Expectations,
  type FactCheck,
  type Finding,
  judgeKeys,
  type Matcher,
  unlearned,
} from '../suite/index.ts';
export { loadPlugins } from './load.ts';
export { definePlugin, type Plugin } from './plugin.ts';
export { withPlugins } from './with-plugins.ts';

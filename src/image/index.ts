export type { BuildEvent, BuildStage } from './build/events.ts';
export { type DirectBoot, directBoot } from './direct-boot.ts';
export {
  type BuildMode,
  type BuildOptions,
  ensureImage,
  readPackageList,
  rebuildImage,
  removeImage,
} from './ensure.ts';
export { type DescribeOptions, describeGuest, findImage } from './guest-spec.ts';
export { type LoadedRecipe, listRecipes, loadRecipe } from './recipe.ts';
export { type ImageStore, openStore, type StoredImage } from './store.ts';

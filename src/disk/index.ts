export type { ImageFormat } from './format.ts';
export { type ImageChain, type ImageLayer, type OpenImageOptions, openImage } from './open.ts';

export { type CpioEntry, type CpioOptions, writeCpio } from './codec/cpio-write.ts';
export type { ImageFormat } from './format.ts';
export { type ImageChain, type ImageLayer, type OpenImageOptions, openImage } from './open.ts';

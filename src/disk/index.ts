export { type CpioEntry, type CpioOptions, writeCpio } from './codec/cpio-write.ts';
export { openImage } from './open.ts';

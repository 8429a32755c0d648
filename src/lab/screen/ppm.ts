// Reads the pictures that QEMU writes: netpbm's PPM with one byte a sample (ppm(5), "P6", maximum 255). It reads one
// picture, without comments, and no other form of netpbm.

/** A picture of 8-bit RGB, row by row from the top. */
export interface Picture {
  width: number;
  height: number;
  pixels: Buffer;
}

const LARGEST = 8192;

/** The picture in a file; undefined where it is cut short or none. */
export function parsePpm(bytes: Buffer): Picture | undefined {
  const head = /^P6\s(\d+)\s(\d+)\s255\s/.exec(bytes.toString('latin1', 0, 40));
  if (!head) return undefined;
  const [width, height] = [Number(head[1]), Number(head[2])];
  const pixels = bytes.subarray(head[0].length, head[0].length + width * height * 3);
  const whole = width > 0 && width <= LARGEST && height <= LARGEST && pixels.length === width * height * 3;
  return whole && height > 0 ? { width, height, pixels } : undefined;
}

/** Whether all of it has one colour: nobody has drawn anything. */
export function isBlank({ pixels }: Picture): boolean {
  return pixels.length <= 3 || pixels.subarray(3).equals(pixels.subarray(0, -3));
}

// A picture's bytes as sharp reads them rightly: themselves, but for heic, which it cannot decode, and two
// kinds of TIFF, which it takes for something else: YCbCr without JPEG comes out as if it were RGB, and a
// channel that a drawing program keeps beside the colours (a selection) as if it were transparency.
// The trap: the EXIF orientation stays in, for pictures; a mask's is applied by whoever decodes it.
import sharp from "sharp";
import { heicAsTiff } from "./heic-as-tiff.ts";
import type { PictureHeader } from "./picture-header.ts";
import { rgbaTiff } from "./rgba-tiff.ts";

/** Throws an Error that says what is wrong when the bytes are damaged. */
export async function readableBytes(
  bytes: Uint8Array,
  { format, profile, tiff, orientation }: PictureHeader,
): Promise<Uint8Array> {
  if (format === "heic") return await heicAsTiff(bytes, profile);
  if (tiff === null || !(tiff.ycbcr || tiff.spareChannel)) return bytes;
  const { data, info: { width, height, channels } } = await sharp(bytes, {
    limitInputPixels: false,
    failOn: "error",
    ignoreIcc: true,
  }).raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
  const colours = channels >= 3 ? [0, 1, 2] : [0, 0, 0];
  const rgba = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < width * height; i++) {
    const at = i * channels;
    const [first, second, third] = colours.map((c) => data[at + c]);
    const colour = tiff.ycbcr ? rgbOf(first, second, third) : [first, second, third];
    rgba.set([...colour, 255], 4 * i);
  }
  return rgbaTiff(width, height, rgba, profile, orientation);
}

/** ITU-R 601, all 256 values used, as TIFF has it where it says nothing else. */
const rgbOf = (y: number, cb: number, cr: number): readonly number[] => [
  y + 1.402 * (cr - 128),
  y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128),
  y + 1.772 * (cb - 128),
];

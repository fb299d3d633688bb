// A picture file's bytes as upright 8-bit sRGB pixels: EXIF orientation applied, embedded profile and
// CMYK converted, 16 bits reduced, alpha laid over white, the first frame of an animation.
// The trap: this is all that is kept of a picture; its EXIF (place, time, camera) goes no further.
import sharp from "sharp";
import { damaged, type PictureHeader } from "./picture-header.ts";
import { readableBytes } from "./readable-bytes.ts";
import type { Pixels } from "./resample.ts";

/** Pixels with 3 channels. Throws a PictureFault naming `file` when the bytes are damaged. */
export async function decodePicture(
  bytes: Uint8Array,
  header: PictureHeader,
  file: string,
): Promise<Pixels> {
  try {
    const readable = await readableBytes(bytes, header);
    const picture = sharp(readable, { limitInputPixels: false, failOn: "error" });
    const { data, info } = await (header.orientation === 1 ? picture : picture.autoOrient())
      .flatten({ background: "white" })
      .toColourspace("srgb")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, channels: info.channels, data };
  } catch (cause) {
    throw damaged(file, cause);
  }
}

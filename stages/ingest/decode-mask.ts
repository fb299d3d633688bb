// A mask file's bytes as 8-bit luminance that lies on its picture: white counts, black does not,
// transparent counts as black. Luminance is ITU-R 601 of the stored values, as Pillow's "L" and so
// the reference's; a mask is data, so its colour profile is ignored.
// The trap: a mask drawn by a tool that ignores EXIF lies on its side beside an upright photo.
import { basename } from "node:path";
import sharp, { type Sharp } from "sharp";
import type { Size } from "../../inversion/artefacts/examples.ts";
import { fault } from "../../lib/fault.ts";
import { damaged, type PictureHeader } from "./picture-header.ts";
import type { Pixels } from "./resample.ts";

export class MaskFault extends fault("MaskFault", "user") {}

/** How a mask lies on its picture. */
export interface MaskPlacement {
  /** EXIF orientation, 1 to 8, by which the mask is turned. */
  readonly orientation: number;
  readonly warnings: readonly string[];
}

interface Opened {
  readonly file: string;
  readonly header: PictureHeader;
}

/** From the two sizes alone. Throws a MaskFault when the mask's shape is not the picture's. */
export function placeMask(mask: Opened, picture: Opened): MaskPlacement {
  const { size, stored, orientation } = picture.header;
  const upright = sameShape(mask.header.size, size);
  const onItsSide = !upright && orientation > 4 && sameShape(mask.header.size, stored);
  if (!upright && !onItsSide) {
    throw new MaskFault({
      file: mask.file,
      wanted: `the shape of ${picture.file}, ${size[1]}x${size[0]} or the same made smaller`,
      found: `${mask.header.size[1]}x${mask.header.size[0]}`,
      fix: "Make the mask from the whole, uncropped picture.",
    });
  }
  const warnings = orientation === 1 || mask.header.orientation === orientation ? [] : [
    `${basename(picture.file)} is turned by its EXIF data (orientation ${orientation}) and ` +
    `${basename(mask.file)} is not: ${
      onItsSide ? "by its shape the mask is turned too." : "the mask is taken as upright."
    }`,
  ];
  return { orientation: onItsSide ? orientation : mask.header.orientation, warnings };
}

/** One channel. Throws a PictureFault when the bytes are damaged. */
export async function decodeMask(
  bytes: Uint8Array,
  file: string,
  orientation: number,
): Promise<Pixels> {
  const { data, info } = await turned(sharp(bytes, opened), orientation)
    .flatten({ background: "black" })
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true })
    .catch((cause: unknown) => {
      throw damaged(file, cause);
    });
  return { width: info.width, height: info.height, channels: 1, data: luminance(data) };
}

const opened = { limitInputPixels: false, failOn: "error", ignoreIcc: true } as const;

/** Whether one size is the other one scaled, to the nearest pixel. */
const sameShape = (a: Size, b: Size): boolean =>
  Math.abs(a[0] - b[0] * a[1] / b[1]) < 1 || Math.abs(a[1] - b[1] * a[0] / b[0]) < 1;

/** EXIF orientations. sharp mirrors left to right (flop) before it turns, in whatever order asked. */
const turned = (mask: Sharp, orientation: number): Sharp =>
  mask.flop([2, 4, 5, 7].includes(orientation))
    .rotate([0, 0, 180, 180, 270, 90, 90, 270][orientation - 1]);

function luminance(rgb: Uint8Array): Uint8Array {
  const grey = new Uint8Array(rgb.length / 3);
  for (let i = 0; i < grey.length; i++) {
    grey[i] = (19595 * rgb[3 * i] + 38470 * rgb[3 * i + 1] + 7471 * rgb[3 * i + 2] + 32768) >> 16;
  }
  return grey;
}

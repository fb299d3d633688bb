// What the first bytes of a picture file say: its format and its size after orientation. Nothing is
// decoded, so a picture that is too large is refused before it takes memory.
// The trap: the content decides, not the file's ending; a .png may be a jpeg, but never an SVG.
import sharp from "sharp";
import type { Size } from "../../inversion/artefacts/examples.ts";
import { fault } from "../../lib/fault.ts";
import { isTiff, type TiffKind, tiffKind } from "./tiff-kind.ts";

export class PictureFault extends fault("PictureFault", "user") {}

export interface PictureHeader {
  readonly format: "jpeg" | "png" | "webp" | "avif" | "tiff" | "gif" | "heic";
  /** After orientation. */
  readonly size: Size;
  /** As stored, before orientation. */
  readonly stored: Size;
  /** EXIF orientation to apply, 1 to 8; 1 when the decoder turns the picture itself (avif, heic). */
  readonly orientation: number;
  /** More than one: an animation or a document. */
  readonly frames: number;
  /** Embedded colour profile. */
  readonly profile: Uint8Array | null;
  /** What of a TIFF sharp takes for something else; null for any other format. */
  readonly tiff: TiffKind | null;
}

/** Endings of files that are taken for pictures, in lower case. */
export const pictureEndings: ReadonlySet<string> = new Set(
  "jpg jpeg jpe jfif png webp avif tif tiff gif heic heif".split(" "),
);

/** Latents are 8 times smaller than pixels: nothing smaller than this has any. */
const leastSide = 8;

export interface PictureRules {
  /** `data_loader.max_pixels`. */
  readonly maxPixels: number;
  /** `data_loader.apply_exif_orientation`; false takes every picture as stored. */
  readonly upright: boolean;
}

/** Throws a PictureFault naming `file` when this is no picture, too small, or over `maxPixels`. */
export async function readPictureHeader(
  bytes: Uint8Array,
  file: string,
  { maxPixels, upright }: PictureRules,
): Promise<PictureHeader> {
  if (bytes.length === 0) throw unreadable(file, "an empty file");
  const tiff = isTiff(bytes) ? tiffKind(bytes) : null;
  if (tiff !== null && tiff.refused !== null) {
    throw new PictureFault({
      file,
      wanted: "a TIFF of 1 to 16 bits a channel, in grey, RGB, CMYK, YCbCr or a palette",
      found: tiff.refused,
      fix: "Export it as PNG or as an RGB TIFF of 8 or 16 bits.",
    });
  }
  const found = await sharp(bytes, { limitInputPixels: false }).metadata().catch((cause) => {
    throw damaged(file, cause);
  });
  const format = found.format === "heif"
    ? (found.compression === "hevc" ? "heic" : "avif")
    : found.format;
  if (!isKnown(format)) throw unreadable(file, `a picture of format ${found.format}`);
  const stored = [found.height, found.width] as const;
  const orientation = upright ? found.orientation ?? 1 : 1;
  const size = orientation > 4 ? [found.width, found.height] as const : stored;
  if (size[0] * size[1] > maxPixels) {
    throw new PictureFault({
      file,
      wanted: `at most ${megapixels(maxPixels)} megapixels (data_loader.max_pixels)`,
      found: `${size[1]}x${size[0]}, ${megapixels(size[0] * size[1])} megapixels`,
      fix: "Make the picture smaller, or raise max_pixels if there is memory for it.",
    });
  }
  if (Math.min(...size) < leastSide) {
    throw new PictureFault({
      file,
      wanted: `a picture of at least ${leastSide}x${leastSide} pixels`,
      found: `${size[1]}x${size[0]}`,
      fix: "Take it out of the dataset, or put a larger copy in its place.",
    });
  }
  return {
    format,
    size,
    stored,
    orientation,
    frames: found.pages ?? (format === "png" ? framesOfPng(bytes) : 1),
    profile: found.icc ?? null,
    tiff,
  };
}

/** An animated PNG says how many before its pixels; sharp reads the first and does not count them. */
function framesOfPng(bytes: Uint8Array): number {
  const png = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 12 <= png.length; at += 12 + png.readUInt32BE(at)) {
    const kind = png.toString("latin1", at + 4, at + 8);
    if (kind === "acTL") return png.readUInt32BE(at + 8);
    if (kind === "IDAT") break;
  }
  return 1;
}

const isKnown = (format: string): format is PictureHeader["format"] =>
  ["jpeg", "png", "webp", "avif", "tiff", "gif", "heic"].includes(format);

const megapixels = (pixels: number): string => (pixels / 1e6).toFixed(1).replace(/\.0$/, "");

/** The file is not a whole picture. */
const unreadable = (file: string, found: string, cause?: unknown): PictureFault =>
  new PictureFault({
    file,
    wanted: "a whole picture (jpeg, png, webp, avif, tiff, gif or heic)",
    found,
    fix: "Replace or remove the file, or set data_loader.skip_bad_images to go on without it.",
    cause,
  });

/** What a decoder threw, as a fault. */
export function damaged(file: string, cause: unknown): PictureFault {
  if ((cause as NodeJS.ErrnoException)?.code === "ENOENT") {
    return unreadable(file, "no such file, or a link to none", cause);
  }
  const message = (cause instanceof Error ? cause.message : String(cause)).split("\n")[0].trim();
  const unknown = /unsupported image format|no known|not a HEIC/.test(message);
  return unreadable(
    file,
    unknown ? "bytes of no picture format" : `damaged bytes (${message})`,
    cause,
  );
}

// What ingest makes: each picture of the dataset with its views, a view being the picture resized,
// cropped and perhaps mirrored, ready to be encoded. Pixels are blobs of 8-bit RGB.
// The trap: a mirrored view is a picture of its own (`flipped`), to be encoded as such; latents of it
// are not the mirrored latents of its twin.
import { Schema } from "effect";
import { artefact, Blob } from "../../runtime/artefact.ts";

/** [height, width] in pixels. */
export const Size = Schema.Tuple([Schema.Int, Schema.Int]);
export type Size = typeof Size.Type;

/** What a view tells the UNet about itself: SDXL's time ids, in pixels. */
export const timeIdFields = {
  /** Size of the whole picture, upright, before resizing. */
  original_size: Size,
  /** [top, left] of the view in the resized picture (mirrored first, if it is flipped). */
  crop_top_left: Schema.Tuple([Schema.Int, Schema.Int]),
  target_size: Size,
};

export const View = Schema.Struct({
  size: Size,
  ...timeIdFields,
  /** Which of the picture's crops; its twin with the other `flipped` has the same. */
  crop: Schema.Int,
  flipped: Schema.Boolean,
  /** uint8 [height, width, 3]. */
  pixels: Blob,
  /** uint8 [height, width], 255 counts fully; null: the whole view counts. */
  mask: Schema.NullOr(Blob),
});
export type View = typeof View.Type;

export const Example = Schema.Struct({
  /** Unique: the picture's name in its dataset. */
  id: Schema.String,
  /** SHA-256 of the picture file, in hex. */
  digest: Schema.String,
  original_size: Size,
  caption: Schema.NullOr(Schema.String),
  /** At least one; the first is unflipped. */
  views: Schema.Array(View).check(Schema.isMinLength(1)),
});
export type Example = typeof Example.Type;

export const Examples = Schema.Struct({
  train: Schema.Array(Example).check(Schema.isMinLength(1)),
  /** Pictures that are measured on (fixed_loss_dataset, fixed_loss_holdout), each with one centred view. */
  heldOut: Schema.Array(Example),
});
export type Examples = typeof Examples.Type;

export const examples = artefact("examples", Examples);

/** A view's `pixels` blob as float32 [3, height, width] in -1..1, as the VAE takes it. */
export function toPlanar(rgb: Uint8Array): Float32Array {
  const area = rgb.length / 3;
  const planar = new Float32Array(rgb.length);
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < 3; c++) planar[c * area + i] = rgb[i * 3 + c] / 127.5 - 1;
  }
  return planar;
}

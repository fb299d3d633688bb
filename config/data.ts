// `data_loader`: captions, sizes, crops and flips, by the reference's names, and gnomic's own
// options for reading pictures. `dataset.ts` says where the pictures come from.
// The trap: sizes are (height, width), as in the reference, not (width, height).
import { Schema } from "effect";
import { intBetween, intFrom, option, required, tag } from "../runtime/options/option.ts";
import { captionPresets } from "./caption-templates.ts";
import { Dataset } from "./dataset.ts";

/** Latents are an eighth of the picture, so sides are multiples of 8. */
const side = intFrom(8).check(Schema.isMultipleOf(8));

/** Of one picture, where nothing else is said. */
export const mostPixels = 150_000_000;

export const AspectRatioBuckets = Schema.Struct({
  target_resolution: required(side, {
    doc: "Each bucket has about as many pixels as a square with this side.",
    unit: "pixels",
  }),
  start_dim: required(side, { doc: "The first side of the first bucket.", unit: "pixels" }),
  end_dim: required(side, { doc: "The first side of the last bucket.", unit: "pixels" }),
  divisible_by: required(side, {
    doc: "The step between buckets; every side is a multiple of it.",
    unit: "pixels",
  }),
});
export type AspectRatioBuckets = typeof AspectRatioBuckets.Type;

export const Resolution = Schema.Union([side, Schema.Tuple([side, side])]);
export type Resolution = typeof Resolution.Type;

/** `512` and `[512, 768]` alike as height and width in pixels. */
export const heightWidth = (resolution: Resolution): readonly [height: number, width: number] =>
  typeof resolution === "number" ? [resolution, resolution] : resolution;

export const dataLoaderFields = {
  type: tag("TEXTUAL_INVERSION_SD_DATA_LOADER", "The kind of data loader; there is only one."),
  dataset: required(Dataset, { doc: "Where the training pictures come from." }),
  caption_preset: option(Schema.NullOr(Schema.Literals(captionPresets)), {
    doc: "A ready list of caption templates, for an object or for a style. " +
      "Exactly one of caption_preset and caption_templates is set.",
    default: null,
  }),
  caption_templates: option(
    Schema.NullOr(
      Schema.Array(Schema.String.check(Schema.isIncluding("{}")))
        .check(Schema.isMinLength(1)),
    ),
    {
      doc: 'Your own caption templates, each with {} for the placeholder: "a photo of a {}".',
      default: null,
    },
  ),
  keep_original_captions: option(Schema.Boolean, {
    doc: "Put the filled template in front of the picture's own caption instead of in its place.",
    default: false,
  }),
  aspect_ratio_buckets: option(Schema.NullOr(AspectRatioBuckets), {
    doc: "Train each picture at the size of the bucket nearest to its shape; null trains all " +
      "of them at `resolution`.",
    default: null,
  }),
  resolution: option(Resolution, {
    doc: "The size to train at, one side of a square or [height, width]; also the size of the " +
      "validation pictures.",
    unit: "pixels",
    default: 512,
  }),
  center_crop: option(Schema.Boolean, {
    doc: "Cut the middle out of a picture of another shape; false cuts at random places.",
    default: true,
  }),
  random_flip: option(Schema.Boolean, {
    doc: "Mirror each picture, left to right, half of the time. Unfit for text and faces.",
    default: false,
  }),
  shuffle_caption_delimiter: option(Schema.NullOr(Schema.NonEmptyString), {
    doc: "Split captions at this text and shuffle the parts anew at each use; null never does.",
    default: null,
  }),
  dataloader_num_workers: option(intFrom(0), {
    doc: "The reference's number of loading processes. Here every picture is read and encoded " +
      "once, so this changes nothing.",
    default: 0,
    keepsRun: true,
    unhashed: true,
  }),

  apply_exif_orientation: option(Schema.Boolean, {
    doc: "Turn photos upright as their EXIF data says. The reference does not: false does as it.",
    default: true,
  }),
  crops_per_image: option(intBetween(1, 1024), {
    doc: "With center_crop false: how many random crops of each picture are encoded and drawn " +
      "from. The reference encodes a new one at each use.",
    default: 8,
  }),
  crop_left_after_flip: option(Schema.Literals(["resized", "original"]), {
    doc: "For a mirrored picture, count the crop's left edge within the resized picture. " +
      "The reference counts it within the original width: `original` does as it.",
    default: "resized",
  }),
  time_ids_target_size: option(Schema.Literals(["bucket", "resolution"]), {
    doc: "With aspect_ratio_buckets: the target size that the UNet is told is the bucket's. " +
      "The reference tells it `resolution`: that value does as it.",
    default: "bucket",
  }),
  skip_bad_images: option(Schema.Boolean, {
    doc: "Go on without pictures that cannot be read. False ends with a list of them.",
    default: false,
  }),
  max_pixels: option(intFrom(1), {
    doc: "Larger pictures are refused, since reading one takes 4 bytes or more for each pixel.",
    unit: "pixels",
    default: mostPixels,
    keepsRun: true,
  }),
};

export const DataLoader = Schema.Struct(dataLoaderFields);
export type DataLoader = typeof DataLoader.Type;

// Where the pictures come from: the reference's four kinds of dataset, told apart by `type`.
// The trap: only a JSONL dataset can carry masks, and only a picture folder carries no captions.
// Paths are relative to the current folder; paths inside a JSONL file to that file's folder.
import { Schema } from "effect";
import { option, required, tag } from "../runtime/options/option.ts";

const kind = "Which kind of dataset this is.";

const keepInMemory = option(Schema.Boolean, {
  doc: "The reference keeps decoded pictures in memory. Here every picture is read and encoded " +
    "once and its latents are cached, so this changes nothing.",
  default: false,
  keepsRun: true,
});

const imageColumn = option(Schema.NonEmptyString, {
  doc: "The column that holds the picture, or its path.",
  default: "image",
});

const captionColumn = option(Schema.NonEmptyString, {
  doc: "The column that holds the caption.",
  default: "text",
});

export const ImageDirDataset = Schema.Struct({
  type: tag("IMAGE_DIR_DATASET", kind),
  dataset_dir: required(Schema.NonEmptyString, {
    doc:
      "The folder of pictures (jpg, png, webp, avif, tiff, gif, heic), not searched recursively.",
  }),
  keep_in_memory: keepInMemory,
});

export const ImageCaptionDirDataset = Schema.Struct({
  type: tag("IMAGE_CAPTION_DIR_DATASET", kind),
  dataset_dir: required(Schema.NonEmptyString, {
    doc: "The folder of pictures, each with its caption in a .txt file of the same name.",
  }),
  keep_in_memory: keepInMemory,
});

export const ImageCaptionJsonlDataset = Schema.Struct({
  type: tag("IMAGE_CAPTION_JSONL_DATASET", kind),
  jsonl_path: required(Schema.NonEmptyString, {
    doc: "A file with one JSON object a line: picture, caption and, in `mask`, perhaps a mask.",
  }),
  image_column: imageColumn,
  caption_column: captionColumn,
  allow_outside_paths: option(Schema.Boolean, {
    doc:
      "Also read pictures that lie outside of the file's folder. Only for a list that you trust: " +
      "it chooses which files of this machine are read.",
    default: false,
    keepsRun: true,
    late: true,
  }),
  keep_in_memory: keepInMemory,
});

export const HfHubImageCaptionDataset = Schema.Struct({
  type: tag("HF_HUB_IMAGE_CAPTION_DATASET", kind),
  dataset_name: required(Schema.NonEmptyString, {
    doc: "The name of a dataset on the Hugging Face hub, such as owner/name.",
  }),
  dataset_config_name: option(Schema.NullOr(Schema.NonEmptyString), {
    doc: "The dataset's configuration; null if it has only one.",
    default: null,
  }),
  hf_cache_dir: option(Schema.NullOr(Schema.NonEmptyString), {
    doc: "The folder to download into; null means the Hugging Face cache.",
    default: null,
    keepsRun: true,
  }),
  image_column: imageColumn,
  caption_column: captionColumn,
});

/** The first member that fits is taken when `type` is left out. */
export const Dataset = Schema.Union([
  ImageDirDataset,
  ImageCaptionDirDataset,
  ImageCaptionJsonlDataset,
  HfHubImageCaptionDataset,
]);
export type Dataset = typeof Dataset.Type;

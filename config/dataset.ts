// Where the pictures come from: the reference's four kinds of dataset, one table, told apart by `type`.
// `stages/ingest/dataset/list-dataset.ts` has the reader of each.
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
  unhashed: true,
});

const imageColumn = option(Schema.NonEmptyString, {
  doc: "The column that holds the picture, or its path.",
  default: "image",
});

const captionColumn = option(Schema.NonEmptyString, {
  doc: "The column that holds the caption.",
  default: "text",
});

const pictureFolder = Schema.Struct({
  type: tag("IMAGE_DIR_DATASET", kind),
  dataset_dir: required(Schema.NonEmptyString, {
    doc:
      "The folder of pictures (jpg, png, webp, avif, tiff, gif, heic), not searched recursively.",
    unhashed: true,
    place: "path",
  }),
  keep_in_memory: keepInMemory,
});

const captionedFolder = Schema.Struct({
  type: tag("IMAGE_CAPTION_DIR_DATASET", kind),
  dataset_dir: required(Schema.NonEmptyString, {
    doc: "The folder of pictures, each with its caption in a .txt file of the same name.",
    unhashed: true,
    place: "path",
  }),
  keep_in_memory: keepInMemory,
});

const jsonl = Schema.Struct({
  type: tag("IMAGE_CAPTION_JSONL_DATASET", kind),
  jsonl_path: required(Schema.NonEmptyString, {
    doc: "A file with one JSON object a line: picture, caption and, in `mask`, perhaps a mask.",
    unhashed: true,
    place: "path",
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

const hub = Schema.Struct({
  type: tag("HF_HUB_IMAGE_CAPTION_DATASET", kind),
  dataset_name: required(Schema.NonEmptyString, {
    doc: "The name of a dataset on the Hugging Face hub, such as owner/name.",
    place: "dataset",
  }),
  dataset_config_name: option(Schema.NullOr(Schema.NonEmptyString), {
    doc: "The dataset's configuration; null if it has only one.",
    default: null,
  }),
  hf_cache_dir: option(Schema.NullOr(Schema.NonEmptyString), {
    doc: "The folder to download into; null means the Hugging Face cache.",
    default: null,
    keepsRun: true,
    unhashed: true,
    place: "target",
  }),
  image_column: imageColumn,
  caption_column: captionColumn,
});

/** The kinds by `type`: their options, and what a picture can bring with it. */
export const datasetKinds = {
  IMAGE_DIR_DATASET: { options: pictureFolder, captions: false, masks: false },
  IMAGE_CAPTION_DIR_DATASET: { options: captionedFolder, captions: true, masks: false },
  IMAGE_CAPTION_JSONL_DATASET: { options: jsonl, captions: true, masks: true },
  HF_HUB_IMAGE_CAPTION_DATASET: { options: hub, captions: true, masks: false },
};
export type DatasetType = keyof typeof datasetKinds;
export type DatasetOf<Type extends DatasetType> = (typeof datasetKinds)[Type]["options"]["Type"];

/** The first member that fits is taken when `type` is left out. */
export const Dataset = Schema.Union(Object.values(datasetKinds).map(({ options }) => options));
export type Dataset = typeof Dataset.Type;

// Which files of a dataset are wanted: pictures with metadata.jsonl or metadata.csv (their `file_name`
// is relative to the metadata file), or Parquet tables that hold pictures and captions themselves.
// The trap: only the split "train" counts, so where there is one, what lies outside it is left alone.
import { HubContentFault } from "./hub-fault.ts";

/** Paths in the dataset, sorted. Either pictures and metadata, or tables. */
export interface DatasetFiles {
  /** metadata.jsonl and metadata.csv files. */
  readonly metadata: readonly string[];
  readonly pictures: readonly string[];
  /** Parquet files. */
  readonly tables: readonly string[];
}

const picture = /\.(?:jpe?g|jpe|jfif|png|webp|avif|heic|heif|bmp|gif|tiff?)$/i;
const metadataFile = /(?:^|\/)metadata\.(?:jsonl|csv)$/;
const trainSplit = /(?:^|[/_.-])train(?:[/_.-]|$)/;
const otherSplit = /(?:^|[/_.-])(?:test|validation|valid|val|dev)(?:[/_.-]|$)/;

/** `config` is the folder of one of several configurations, or null. Throws HubContentFault. */
export function datasetFiles(
  id: string,
  paths: Iterable<string>,
  config: string | null = null,
): DatasetFiles {
  const everything = [...paths].sort();
  const all = config === null
    ? everything
    : everything.filter((path) => path.split("/").slice(0, -1).includes(config));
  const inTrain = all.filter((path) => /(?:^|\/)train\//.test(path));
  const split = inTrain.some((path) => picture.test(path)) ? inTrain : all;
  const pictures = split.filter((path) => picture.test(path));
  const metadata = all.filter((path) => metadataFile.test(path))
    .filter((path) => split === all || !/(?:^|\/)(?:test|validation|valid|dev)\//.test(path));
  if (pictures.length > 0 && metadata.length > 0) return { metadata, pictures, tables: [] };
  const parquet = all.filter((path) => path.endsWith(".parquet"));
  const training = parquet.filter((path) => trainSplit.test(path));
  const tables = training.length > 0 ? training : parquet.filter((path) => !otherSplit.test(path));
  if (tables.length > 0) return { metadata: [], pictures: [], tables };
  throw unusable(id, config, all, pictures.length);
}

function unusable(id: string, config: string | null, all: readonly string[], pictures: number) {
  const packed = all.filter((path) => /\.(?:arrow|zip|tar|tar\.gz|tgz)$/.test(path));
  const more = packed.length > 3 ? `, ... (${packed.length} in all)` : "";
  return new HubContentFault({
    key: config === null ? id : `${id} ${config}`,
    wanted: "pictures and a metadata.jsonl or metadata.csv with their captions, or Parquet files",
    found: packed.length > 0
      ? `${packed.slice(0, 3).join(", ")}${more}`
      : pictures > 0
      ? `${pictures} pictures without metadata`
      : "no pictures",
    fix: packed.length > 0
      ? "Unpack it once into a folder of pictures with a .jsonl file beside them, and use that as " +
        "an IMAGE_CAPTION_JSONL_DATASET."
      : config !== null
      ? "Set dataset_config_name to one of the dataset's folders, or to null for all of it."
      : "Download it and use it as an IMAGE_CAPTION_DIR_DATASET or IMAGE_DIR_DATASET, or name " +
        "another.",
  });
}

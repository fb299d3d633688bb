// What reading a dataset gives: where each picture, caption and mask is, in a stable order, and
// everything that is wrong with the dataset at once. No picture is opened here.
// The trap: `name` becomes the example's id and reaches artefacts, so it is relative to the dataset.
import type { DatasetOf } from "../../../config/dataset.ts";
import { fault } from "../../../lib/fault.ts";
import { readBytes } from "../../../lib/plain-files.ts";

export type HubDatasetOptions = DatasetOf<"HF_HUB_IMAGE_CAPTION_DATASET">;

export class DatasetFault extends fault("DatasetFault", "user") {}

/** Bytes of a picture or mask. */
export interface PictureSource {
  /** Where it is, for messages. */
  readonly file: string;
  readonly read: () => Promise<Uint8Array>;
}

export interface Source extends PictureSource {
  /** Unique in the dataset: the file's name in it, with forward slashes. */
  readonly name: string;
  readonly caption: string | null;
  readonly mask: PictureSource | null;
}

export interface Listing {
  readonly sources: readonly Source[];
  /** Every file whose bytes decide the result, beyond names and captions. */
  readonly files: readonly string[];
  readonly warnings: readonly string[];
  readonly faults: readonly DatasetFault[];
}

/** Of a list that is whole and holds nothing. */
export const namesNoPicture = (file: string): DatasetFault =>
  new DatasetFault({
    file,
    wanted: "at least one picture",
    found: "a file that names no picture",
    fix: "Add pictures, or name another dataset.",
  });

export const pictureFile = (file: string): PictureSource => ({ file, read: () => readBytes(file) });

/** A listing that found nothing but what is wrong. */
export const refused = (...faults: readonly DatasetFault[]): Listing => ({
  sources: [],
  files: [],
  warnings: [],
  faults,
});

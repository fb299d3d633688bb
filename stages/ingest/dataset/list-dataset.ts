// Reads a dataset of any kind of `config/dataset.ts`.
// The trap: the pictures' own bytes are not looked at here; that they can be decoded is found later.
import type { Dataset, DatasetOf, DatasetType } from "../../../config/dataset.ts";
import { listHubDataset } from "./hub-dataset.ts";
import { listJsonl } from "./jsonl.ts";
import type { Listing } from "./listing.ts";
import { listCaptionedFolder, listPictureFolder } from "./picture-folder.ts";

export interface ListingTools {
  /** The network is off limits: a dataset that is not here throws NotDownloaded. */
  readonly offline: boolean;
  /** Whether masks are wanted; otherwise none is listed. */
  readonly masks: boolean;
  /** Bytes of a download, or of `unit`. */
  readonly onProgress?: (done: number, total: number, unit?: string) => void;
}

type Lister<Type extends DatasetType> = (
  dataset: DatasetOf<Type>,
  tools: ListingTools,
) => Promise<Listing>;

const listers: { readonly [Type in DatasetType]: Lister<Type> } = {
  IMAGE_DIR_DATASET: ({ dataset_dir }) => listPictureFolder(dataset_dir),
  IMAGE_CAPTION_DIR_DATASET: ({ dataset_dir }) => listCaptionedFolder(dataset_dir),
  IMAGE_CAPTION_JSONL_DATASET: (dataset, { masks }) =>
    listJsonl(dataset.jsonl_path, dataset, masks),
  HF_HUB_IMAGE_CAPTION_DATASET: listHubDataset,
};

export const listDataset = (dataset: Dataset, tools: ListingTools): Promise<Listing> =>
  (listers[dataset.type] as Lister<DatasetType>)(dataset as never, tools);

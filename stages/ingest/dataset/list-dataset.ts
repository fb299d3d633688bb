// Reads a dataset of any of the four kinds.
// The trap: the pictures' own bytes are not looked at here; that they can be decoded is found later.
import type { Dataset } from "../../../config/dataset.ts";
import { listHubDataset } from "./hub-dataset.ts";
import { listJsonl } from "./jsonl.ts";
import type { Listing } from "./listing.ts";
import { listCaptionedFolder, listPictureFolder } from "./picture-folder.ts";

export interface ListingTools {
  /** The network is off limits: a dataset that is not here throws NotDownloaded. */
  readonly offline: boolean;
  /** Whether masks are wanted; otherwise none is listed. */
  readonly masks: boolean;
  /** Bytes of a download. */
  readonly onProgress?: (done: number, total: number) => void;
}

export function listDataset(dataset: Dataset, tools: ListingTools): Promise<Listing> {
  switch (dataset.type) {
    case "IMAGE_DIR_DATASET":
      return listPictureFolder(dataset.dataset_dir);
    case "IMAGE_CAPTION_DIR_DATASET":
      return listCaptionedFolder(dataset.dataset_dir);
    case "IMAGE_CAPTION_JSONL_DATASET":
      return listJsonl(dataset.jsonl_path, dataset, tools.masks);
    case "HF_HUB_IMAGE_CAPTION_DATASET":
      return listHubDataset(dataset, tools);
  }
}

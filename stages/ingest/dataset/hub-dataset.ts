import type { HfHubImageCaptionDataset } from "../../../config/dataset.ts";
import { type Listing, refused } from "./listing.ts";
export const listHubDataset = (
  _dataset: typeof HfHubImageCaptionDataset.Type,
  _offline: boolean,
): Promise<Listing> => Promise.resolve(refused());

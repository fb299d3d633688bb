// HF_HUB_IMAGE_CAPTION_DATASET: a dataset of the hub, its cache, or a folder on this machine, as an
// image folder or as Parquet tables. hub finds and downloads it.
// What reads tables is loaded where there are some: a dozenth of all that a training loads.
// The trap: downloading belongs to planning (`inputs`); a dry run only looks at what is here.
import process from "node:process";
import { downloadDataset, locateDataset } from "../../../hub/dataset.ts";
import { pauseUnit } from "../../../hub/hub-client.ts";
import { hubSettings } from "../../../hub/hub-settings.ts";
import { isFault, NotDownloaded, reworded } from "../../../lib/fault.ts";
import { listImageFolder } from "./image-folder.ts";
import type { HubDatasetOptions, Listing } from "./listing.ts";

/** Throws NotDownloaded when `offline`, and what hub throws. */
export async function listHubDataset(
  options: HubDatasetOptions,
  { offline, onProgress = () => {} }: {
    readonly offline: boolean;
    readonly onProgress?: (done: number, total: number, unit?: string) => void;
  },
): Promise<Listing> {
  const { dataset_name, hf_cache_dir } = options;
  const settings = hf_cache_dir === null
    ? hubSettings()
    : hubSettings({ ...process.env, HF_HUB_CACHE: hf_cache_dir });
  const choice = { settings, config: options.dataset_config_name };
  const asked = offline ? locateDataset(dataset_name, choice) : downloadDataset(dataset_name, {
    ...choice,
    onProgress: ({ done, total }) => onProgress(done, total),
    onWait: (waited, seconds, why) => onProgress(waited, seconds, pauseUnit(why)),
  });
  const key = "dataset_name";
  const found = await asked.catch((cause) => {
    throw isFault(cause) ? reworded(cause, { key }) : cause;
  });
  if (found.notDownloaded) {
    const { mistyped } = found;
    throw new NotDownloaded({
      key,
      wanted: `the dataset ${dataset_name}${mistyped === undefined ? "" : `, ${mistyped},`} ` +
        "on this machine",
      found: "not all of it",
      fix: "A real run downloads it.",
    });
  }
  const listing = found.tables.length > 0
    ? await (await import("./hub-tables.ts")).listTables(found, options)
    : await listImageFolder(found, options);
  const { note } = found;
  return note === undefined ? listing : { ...listing, warnings: [...listing.warnings, note] };
}

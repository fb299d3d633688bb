// Which options say where something is on this machine, and what is shown of them to others: the last part.
// An id on the hub is no place; it stays as it is.
// The trap: `sample_data/tiny-sdxl` is an id as well as a path, so the disk decides, as it does when the model
// is opened.
import { lastPart } from "../lib/without-folders.ts";
import { namesRepository } from "../hub/local-path.ts";
import { valueAt } from "../runtime/options/decode-source.ts";
import { dotted, isMapping } from "../lib/mapping.ts";
import type { Places } from "../runtime/stage.ts";

const datasets = ["data_loader.dataset", "fixed_loss_dataset"];
const below = (...keys: readonly string[]) =>
  datasets.flatMap((dataset) => keys.map((key) => `${dataset}.${key}`));

/** Where results and downloads go: no result depends on it, and none says it. */
export const targetKeys: readonly string[] = ["base_output_dir", ...below("hf_cache_dir")];

const paths = [...below("dataset_dir", "jsonl_path"), "initial_embedding_file"];
const models = ["model", "vae_model", "model_config"];
const hubDatasets = below("dataset_name");

/** All keys that may say where something is. */
export const placeKeys: readonly string[] = [...targetKeys, ...paths, ...models, ...hubDatasets];

/** Of a configuration's values: where what goes in is found, by key, with its last part. */
export async function placesIn(values: unknown): Promise<Places> {
  const places: Record<string, string> = {};
  for (const key of placeKeys) {
    const value = valueAt(values, key.split("."));
    if (targetKeys.includes(key) || typeof value !== "string") continue;
    const isId = models.includes(key)
      ? await namesRepository(value, "model")
      : hubDatasets.includes(key) && await namesRepository(value, "dataset");
    if (!isId) places[key] = lastPart(value);
  }
  return places;
}

/** The configuration as others may see it: of each place its last part. */
export function shownValues(value: unknown, places: Places, at = ""): unknown {
  if (!isMapping(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, child]) => {
      const key = dotted(at, name);
      const shown = targetKeys.includes(key) && typeof child === "string"
        ? lastPart(child)
        : places[key];
      return [name, shown ?? shownValues(child, places, key)];
    }),
  );
}

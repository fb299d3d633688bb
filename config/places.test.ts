// Which options say where something is, listed by hand, and what of them others are shown.
import assert from "node:assert/strict";
import { test } from "node:test";
import { placeKeys, placesIn, shownValues, targetKeys } from "./places.ts";

test("the options that are places, by their definition", () => {
  assert.deepEqual([...placeKeys()].sort(), [
    "base_output_dir",
    ...["dataset_dir", "dataset_name", "hf_cache_dir", "jsonl_path"].map((key) =>
      `data_loader.dataset.${key}`
    ),
    ...["dataset_dir", "dataset_name", "hf_cache_dir", "jsonl_path"].map((key) =>
      `fixed_loss_dataset.${key}`
    ),
    "initial_embedding_file",
    "model",
    "model_config",
    "vae_model",
  ]);
  assert.deepEqual([...targetKeys()].sort(), [
    "base_output_dir",
    "data_loader.dataset.hf_cache_dir",
    "fixed_loss_dataset.hf_cache_dir",
  ]);
});

test("of a place others see the last part, of an id on the hub all of it", async () => {
  const values = {
    base_output_dir: "/home/me/runs",
    model: "owner/name",
    vae_model: "/home/me/vae.safetensors",
    placeholder_token: "/a/b",
    data_loader: { dataset: { type: "IMAGE_DIR_DATASET", dataset_dir: "/home/me/gnomes" } },
  };
  const places = await placesIn(values);
  assert.deepEqual(places, {
    "data_loader.dataset.dataset_dir": "gnomes",
    vae_model: "vae.safetensors",
  });
  assert.deepEqual(shownValues(values, places), {
    base_output_dir: "runs",
    model: "owner/name",
    vae_model: "vae.safetensors",
    placeholder_token: "/a/b",
    data_loader: { dataset: { type: "IMAGE_DIR_DATASET", dataset_dir: "gnomes" } },
  });
});

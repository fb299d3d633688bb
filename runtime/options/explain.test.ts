// What `--explain` prints, against what the schema decodes and options.json says.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Effect } from "effect";
import { explain, explainAll } from "./explain.ts";
import { optionRows } from "../../config/option-rows.ts";

const explained = (key: string) => Effect.runSync(explain(key, optionRows()));

const refusal = (key: string) => Effect.runSync(Effect.flip(explain(key, optionRows()))).message;

test("an option: doc, type, unit, default", () => {
  const text = explained("data_loader.resolution");
  assert.match(text, /^data_loader\.resolution\n +The size to train at/);
  assert.match(text, /type: a multiple of 8 of at least 8, or a list of 2/);
  assert.match(text, /unit: pixels/);
  assert.match(text, /default: 512/);
  assert.match(text, /changing it: starts a new run/);
});

test("allowed values, required options, and what keeps the run", () => {
  assert.match(
    explained("lr_scheduler"),
    /type: one of linear, cosine, .*, constant_with_warmup, warmup_stable_decay\n/,
  );
  assert.match(explained("placeholder_token"), /default: none: it must be given/);
  assert.match(explained("save_every_n_steps"), /changing it: goes on with the same run/);
});

test("what names no run by itself says what decides", () => {
  const same = /changing it: goes on with the same run where the same is found there; else/;
  for (const key of ["model", "data_loader.dataset.jsonl_path", "initial_embedding_file"]) {
    assert.match(explained(key), same);
  }
  assert.match(explained("hf_revision"), /goes on with the same run, unless what is read is other/);
  assert.match(explained("base_output_dir"), /changing it: goes on with the same run$/m);
  assert.match(explained("data_loader.dataset.dataset_name"), /changing it: starts a new run/);
});

test("an option of two kinds is explained for both", () => {
  const text = explained("optimizer.learning_rate");
  assert.match(text, /default: 0\.0001\n +of: AdamW/);
  assert.match(text, /default: 1\n +of: Prodigy/);
});

test("a group lists its keys", () => {
  assert.match(explained("data_loader.aspect_ratio_buckets"), /keys: target_resolution, start_dim/);
});

test("an unknown key names the nearest", () => {
  assert.match(refusal("data_loader.resolutoin"), /Did you mean data_loader\.resolution\?/);
  assert.match(refusal("resolution"), /Did you mean data_loader\.resolution\?/);
  assert.match(refusal("zzzzzz"), /without a key lists all/);
});

test("the list has every option", () => {
  const text = explainAll(optionRows());
  for (const { key } of optionRows()) assert.ok(text.includes(key), key);
  assert.ok(text.split("\n").every((line) => line.length > 20));
});

// Layers: what goes over what, and where each value stands afterwards.
import assert from "node:assert/strict";
import { test } from "node:test";
import { overlayRules } from "../../config/alternatives.ts";
import { overlay } from "./overlay.ts";
import { parseSettings } from "./settings.ts";
import { parseSource, placeOf } from "../../lib/source.ts";

const over = (under: string, high: string) =>
  overlay(
    parseSource(under, "under.yaml"),
    parseSource(high, "over.yaml"),
    overlayRules,
  );

test("mappings merge, lists and values are replaced", () => {
  const { value } = over(
    "optimizer: {learning_rate: 1, beta1: 0.5}\nvalidation_prompts: [a, b]\nseed: 1",
    "optimizer: {learning_rate: 2}\nvalidation_prompts: [c]",
  );
  assert.deepEqual(value, {
    optimizer: { learning_rate: 2, beta1: 0.5 },
    validation_prompts: ["c"],
    seed: 1,
  });
});

test("another type replaces the whole mapping", () => {
  const { value } = over(
    "data_loader: {dataset: {type: A, dataset_dir: d}, resolution: 64}",
    "data_loader: {dataset: {type: B, jsonl_path: j}}",
  );
  assert.deepEqual(value, {
    data_loader: { dataset: { type: "B", jsonl_path: "j" }, resolution: 64 },
  });
});

test("another type than an untagged mapping means replaces it too; the same one does not", () => {
  const adamW = "optimizer: {learning_rate: 1e-3, beta1: 0.5}";
  const tagged = (tag: string, under: string) =>
    over(under, `optimizer: {optimizer_type: ${tag}}`).value;
  assert.deepEqual(tagged("Prodigy", adamW), { optimizer: { optimizer_type: "Prodigy" } });
  assert.deepEqual(tagged("AdamW", adamW), {
    optimizer: { optimizer_type: "AdamW", learning_rate: 1e-3, beta1: 0.5 },
  });
  assert.deepEqual(tagged("Prodigy", "optimizer: {use_bias_correction: true}"), {
    optimizer: { optimizer_type: "Prodigy", use_bias_correction: true },
  });
  assert.deepEqual(
    over(
      "data_loader: {dataset: {dataset_dir: d}}",
      "data_loader: {dataset: {type: IMAGE_CAPTION_JSONL_DATASET, jsonl_path: j}}",
    ).value,
    { data_loader: { dataset: { type: "IMAGE_CAPTION_JSONL_DATASET", jsonl_path: "j" } } },
  );
});

test("one of several alternatives unsets the others below it, null does not", () => {
  const under =
    "max_train_steps: 9\ninitializer_token: gnome\ndata_loader: {caption_preset: object}";
  assert.deepEqual(
    over(under, "max_train_epochs: 2\ninitial_phrase: x\ndata_loader: {caption_templates: ['{}']}")
      .value,
    { max_train_epochs: 2, initial_phrase: "x", data_loader: { caption_templates: ["{}"] } },
  );
  assert.deepEqual(over(under, "max_train_epochs: null").value, {
    max_train_steps: 9,
    initializer_token: "gnome",
    data_loader: { caption_preset: "object" },
    max_train_epochs: null,
  });
});

test("places follow the layer that a value comes from", () => {
  const source = over("a:\n  b: 1\n  c: 2\nl: [1, 2]\n", "\n\na:\n  c: 3\nl: x\n");
  assert.deepEqual(placeOf(source, "a.b"), { file: "under.yaml", line: 2 });
  assert.deepEqual(placeOf(source, "a.c"), { file: "over.yaml", line: 4 });
  assert.deepEqual(placeOf(source, "l.1"), { file: "over.yaml", line: 5 });
});

test("--set values are YAML", () => {
  const { value, findings } = parseSettings([
    "seed=null",
    "data_loader.resolution=[512, 768]",
    "optimizer.learning_rate=2e-3",
    "placeholder_token=a=b",
    "use_masks=true",
    "optimizer.learning_rate=5e-3",
  ]);
  assert.deepEqual(findings, []);
  assert.deepEqual(value, {
    seed: null,
    data_loader: { resolution: [512, 768] },
    optimizer: { learning_rate: 0.005 },
    placeholder_token: "a=b",
    use_masks: true,
  });
});

test("a malformed --set is a finding", () => {
  const bad = ["seed", "=1", "a..b=1", "a=[", ".a=1"];
  assert.equal(parseSettings(bad).findings.length, bad.length);
});

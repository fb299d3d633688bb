// Against tests/reference/options.json: every option of the reference, by name, type and default.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Schema } from "effect";
import { optimizers } from "../engine/optimise/optimizer.ts";
import { scheduleNames } from "../engine/optimise/rates.ts";
import { decodeAll, keyOf, valueAt } from "../runtime/options/decode-source.ts";
import { withoutKeys } from "../lib/without-keys.ts";
import { optionRows } from "./option-rows.ts";
import { TrainingConfig } from "./training.ts";

interface ReferenceOption {
  readonly type: string;
  readonly default?: unknown;
  readonly required?: boolean;
}

const reference: Record<string, Record<string, ReferenceOption>> = JSON.parse(
  readFileSync(new URL("../tests/reference/options.json", import.meta.url), "utf8"),
);

const smallest = {
  base_output_dir: "out",
  placeholder_token: "x",
  data_loader: { dataset: { type: "IMAGE_DIR_DATASET", dataset_dir: "d" } },
};

/** For each class of the reference: where it stands, and a configuration that has it there. */
const holders: Record<string, { at: string[]; value: Record<string, unknown> }[]> = {
  SdxlTextualInversionConfig: [{ at: [], value: {} }],
  AdamOptimizerConfig: [{ at: ["optimizer"], value: { optimizer_type: "AdamW" } }],
  ProdigyOptimizerConfig: [{
    at: ["optimizer"],
    value: { optimizer_type: "Prodigy", use_bias_correction: false },
  }],
  TextualInversionSDDataLoaderConfig: [{ at: ["data_loader"], value: smallest.data_loader }],
  AspectRatioBucketConfig: [{
    at: ["data_loader", "aspect_ratio_buckets"],
    value: { target_resolution: 64, start_dim: 64, end_dim: 64, divisible_by: 64 },
  }],
  ImageDirDatasetConfig: [{
    at: ["data_loader", "dataset"],
    value: { type: "IMAGE_DIR_DATASET", dataset_dir: "d" },
  }],
  ImageCaptionDirDatasetConfig: [{
    at: ["data_loader", "dataset"],
    value: { type: "IMAGE_CAPTION_DIR_DATASET", dataset_dir: "d" },
  }],
  ImageCaptionJsonlDatasetConfig: [{
    at: ["data_loader", "dataset"],
    value: { type: "IMAGE_CAPTION_JSONL_DATASET", jsonl_path: "j" },
  }],
  HFHubImageCaptionDatasetConfig: [{
    at: ["data_loader", "dataset"],
    value: { type: "HF_HUB_IMAGE_CAPTION_DATASET", dataset_name: "n" },
  }],
};

const put = (value: unknown, path: string[], last: unknown): unknown => {
  const [first, ...rest] = path;
  if (first === undefined) return last;
  const below = value as Record<string, unknown> | undefined;
  return { ...below, [first]: put(below?.[first], rest, last) };
};

/** Decodes with `key` of the class set (or removed); the misfits at that key. */
const misfitsWith = (name: string, key: string, value: unknown) => {
  const [{ at, value: holder }] = holders[name];
  const whole = at.length === 0 ? smallest : put(smallest, at, holder);
  const config = value === undefined
    ? put(
      whole,
      at,
      Object.fromEntries(
        Object.entries(valueAt(whole, at) as object).filter(([each]) => each !== key),
      ),
    )
    : put(whole, [...at, key], value);
  const decoded = decodeAll(TrainingConfig, config);
  const here = keyOf([...at, key]);
  return {
    value: decoded.value === undefined ? undefined : valueAt(decoded.value, [...at, key]),
    refused: decoded.misfits.some(({ path }) => keyOf(path).startsWith(here)),
  };
};

const samples: readonly unknown[] = [64, 0.5, "a text {}", true, null, ["a {}"], [64, 64], [
  1.5,
  "x",
]];

/** What a type of options.json accepts among the samples. */
function accepts(type: string, sample: unknown): boolean {
  return type.split("|").flatMap((part) => part.startsWith("tuple") ? ["tuple"] : [part])
    .some((part) => {
      switch (part) {
        case "integer":
          return Number.isInteger(sample);
        case "number":
          return typeof sample === "number";
        case "string":
          return typeof sample === "string";
        case "boolean":
          return typeof sample === "boolean";
        case "null":
          return sample === null;
        case "list[string]":
          return Array.isArray(sample) && sample.every((each) => typeof each === "string");
        case "tuple":
          return Array.isArray(sample) && sample.length === 2 && sample.every(Number.isInteger);
        default: // a literal or a nested class: none of the samples
          return false;
      }
    });
}

/** Without what gnomic added to a mapping of the reference since. */
const ofTheFirst = (value: unknown) => withoutKeys(value, ["learning_rate_unit"]);

for (const [name, options] of Object.entries(reference)) {
  test(`${name}: names, types and defaults`, () => {
    for (const [key, { type, default: fallback, required }] of Object.entries(options)) {
      const absent = misfitsWith(name, key, undefined);
      if (required) assert.ok(absent.refused, `${name}.${key} is required`);
      // A dataset without its `type` is told by its keys, which two kinds share.
      else if (!(key === "type" && name === "ImageCaptionDirDatasetConfig")) {
        assert.deepEqual(ofTheFirst(absent.value), fallback, `default of ${name}.${key}`);
      }
      for (const sample of samples) {
        if (key.startsWith("beta") && sample === 64) continue; // out of range
        const { refused } = misfitsWith(name, key, sample);
        assert.equal(!refused, accepts(type, sample), `${name}.${key} = ${JSON.stringify(sample)}`);
      }
      for (const literal of type.split("|").map((part) => part.replaceAll('"', ""))) {
        if (!/^[a-z_0-9]+$|^[A-Z_0-9]+$|^AdamW$|^Prodigy$/.test(literal)) continue;
        if (/^(integer|number|string|boolean|null)$/.test(literal)) continue;
        assert.ok(!misfitsWith(name, key, literal).refused, `${name}.${key} takes ${literal}`);
      }
    }
  });
}

const pureNumbers = [
  "seed",
  "optimizer.learning_rate",
  "optimizer.beta1",
  "optimizer.beta2",
  "optimizer.weight_decay",
  "optimizer.epsilon",
  "lr_decay_fraction",
  "device",
  "ema_decay",
  "max_grad_norm",
  "min_snr_gamma",
  "validation_guidance",
  "data_loader.dataloader_num_workers",
  "data_loader.crops_per_image",
  "before_after_noises",
];

test("no option of the reference has another name here, and every option has a doc line", () => {
  const theirs = Object.keys(reference).flatMap((name) =>
    Object.keys(reference[name]).map((key) => keyOf([...holders[name][0].at, key]))
  );
  const rows = optionRows();
  const ours = new Set(rows.map((row) => row.key));
  assert.deepEqual(theirs.filter((key) => !ours.has(key)), []);
  for (const { key, doc, type, unit } of rows) {
    assert.match(doc, /^\S.{15,}[.")]$/, key);
    const number = /an integer|a number|a multiple/.test(type);
    assert.ok(!number || unit !== undefined || pureNumbers.includes(key), `${key} has a unit`);
  }
});

test("decoding is idempotent, so a stage may decode its slice again", () => {
  const once = Schema.decodeUnknownSync(TrainingConfig)(smallest);
  assert.deepEqual(Schema.decodeUnknownSync(TrainingConfig)(once), once);
  assert.deepEqual(Schema.encodeUnknownSync(TrainingConfig)(once), once);
});

test("every optimizer and every schedule of the engine's tables can be chosen, and nothing else", () => {
  const chosen = (key: string, value: unknown) =>
    decodeAll(TrainingConfig, put(smallest, [key], value)).value;
  for (const name of Object.keys(optimizers)) {
    assert.equal(chosen("optimizer", { optimizer_type: name })?.optimizer.optimizer_type, name);
  }
  for (const name of scheduleNames) {
    assert.equal(chosen("lr_scheduler", name)?.lr_scheduler, name);
  }
  assert.equal(chosen("optimizer", { optimizer_type: "Lion" }), undefined);
  assert.equal(chosen("lr_scheduler", "inverse_sqrt"), undefined);
});

// The rules by model and by what a run has already: SDXL's configs say `eos_token_id: 2`, which the models
// of the golden values and the sample do; a config with the real id has all clients take the end token.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openModel } from "../../engine/weights/model.ts";
import { drawnPooling, poolingRule, settledPooling, trainedPooling } from "./pooling.ts";

const model = await openModel(
  fileURLToPath(new URL("../../sample_data/tiny-sdxl", import.meta.url)),
);
const endModel = {
  ...model,
  configs: {
    ...model.configs,
    textEncoder2: { ...model.configs.textEncoder2, eos_token_id: 978 },
  },
};

test("auto is mixed in a new run, and what a run of before did in a run of before", () => {
  assert.equal(settledPooling("auto", undefined), "mixed");
  assert.equal(settledPooling("auto", "auto"), "auto");
  assert.equal(settledPooling("auto", "mixed"), "mixed");
  assert.equal(settledPooling("argmax", "auto"), "argmax", "said outright");
  assert.deepEqual(trainedPooling("auto", model), ["argmax"]);
});

test("a mixture is of the rules that clients follow with this model", () => {
  assert.deepEqual(trainedPooling("mixed", model), ["argmax", "end_token"]);
  assert.deepEqual(trainedPooling("mixed", endModel), ["end_token"]);
  assert.deepEqual(poolingRule("end_token", model), { kind: "first", id: 978 });
});

test("pictures: as asked for, else as trained, else as the model's config says", () => {
  assert.deepEqual(drawnPooling("both", "argmax", model), ["argmax", "end_token"]);
  assert.deepEqual(drawnPooling("end_token", "argmax", model), ["end_token"]);
  assert.deepEqual(drawnPooling("auto", "end_token", model), ["end_token"]);
  assert.deepEqual(drawnPooling("auto", "mixed", model), ["argmax"]);
  assert.deepEqual(drawnPooling("auto", "auto", endModel), ["end_token"]);
});

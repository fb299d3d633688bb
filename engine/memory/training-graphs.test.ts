// Graphs that were looked at are handed on once, only to who asks for the same, and are what a build gives.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openModel } from "../weights/model.ts";
import { measureTrainingGraphs, takeTrainingGraphs } from "./training-graphs.ts";

const model = await openModel(
  fileURLToPath(new URL("../../tests/golden/c/model", import.meta.url)),
);
const setting = {
  size: { batch: 1, height: 64, width: 48 },
  plan: "A",
  provider: "cpu",
  compute: "float32",
} as const;

test("graphs that were looked at are taken once", () => {
  const seen = measureTrainingGraphs(model, setting);
  const taken = takeTrainingGraphs(model, setting);
  assert.equal(taken, seen);
  const again = takeTrainingGraphs(model, setting);
  assert.notEqual(again, seen);
  assert.deepEqual(again, seen);
});

test("who asks for something else gets that, and nothing is kept", () => {
  for (
    const other of [
      { ...setting, plan: "B" },
      { ...setting, compute: "float16" },
      { ...setting, size: { batch: 2, height: 64, width: 48 } },
    ] as const
  ) {
    const seen = measureTrainingGraphs(model, setting);
    const found = takeTrainingGraphs(model, other);
    assert.notDeepEqual(found.step, seen.step, JSON.stringify(other));
    assert.deepEqual(found, takeTrainingGraphs(model, other));
    assert.notEqual(takeTrainingGraphs(model, setting), seen);
  }
});

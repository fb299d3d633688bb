// What is drawn for an item is a function of its address alone: the same in any process, and about as often
// one rule of pooling as the other. The drawing of the rest is checked by resumed runs (tests/end-to-end).
import assert from "node:assert/strict";
import { test } from "node:test";
import { Effect } from "effect";
import { poolingMatrix } from "../../engine/text/pooling.ts";
import { openModel } from "../../engine/weights/model.ts";
import { modelA } from "../../engine/weights/model.fixture.ts";
import type { Engine } from "../../engine/session/engine.ts";
import { batchOf, drawItems } from "./batches.ts";
import { gradientTools } from "./gradient.fixture.ts";

const model = await openModel(modelA);
const { drawing, objective } = gradientTools({ model } as Engine, [[2, 2], [2, 2]]);
const rules = [{ kind: "argmax" }, { kind: "first", id: 7 }] as const;

const drawn = (micro: number, seed = 1, poolings: typeof drawing.poolings = rules) =>
  Effect.runSync(
    drawItems({ epoch: 0, micro, examples: [0, 1, 0, 1] }, { ...drawing, seed, poolings }),
  );

test("mixed: each item follows one rule, the same at the same address", () => {
  const kinds = (seed: number) =>
    Array.from({ length: 64 }, (_, micro) => drawn(micro, seed).map(({ pooling }) => pooling.kind));
  assert.deepEqual(kinds(1), kinds(1));
  assert.notDeepEqual(kinds(1), kinds(2));
  const first = kinds(1).flat().filter((kind) => kind === "first").length;
  assert.ok(first > 96 && first < 160, `${first} of 256`);
  assert.ok(kinds(1).some((batch) => new Set(batch).size === 2), "within a batch, too");
  const [one] = drawn(3);
  const [other] = drawn(3, 1, [rules[0]]);
  assert.deepEqual([one.noise, one.timestep], [other.noise, other.timestep], "nothing else moves");
});

test("the batch pools each caption by its item's rule", () => {
  const items = drawn(5).map((item, i) => ({ ...item, pooling: rules[i % 2] }));
  const { ids2, pooling } = batchOf(items, model.configs.vae, objective);
  assert.deepEqual(pooling, [rules[0], rules[1], rules[0], rules[1]]);
  const { data } = poolingMatrix(ids2, pooling!);
  const length = ids2[0].length;
  const placed = ids2.map((_, b) => data.indexOf(1, b * length) - b * length);
  // The fixture's caption is begin (0), the placeholder, end tokens (1); no 7 in it.
  assert.deepEqual(placed, [1, 0, 1, 0]);
});

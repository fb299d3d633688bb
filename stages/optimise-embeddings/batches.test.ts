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

test("each item has its own part of the batch; without a mask it counts whole beside one with", () => {
  const [first, second] = drawn(5);
  const items = [{ ...first, mask: [1, 0, 0.5, 1] }, second];
  const both = batchOf(items, model.configs.vae, objective);
  const alone = items.map((item) => batchOf([item], model.configs.vae, objective));
  assert.deepEqual(both.noisy.dims, [2, 4, 2, 2]);
  for (const part of ["noisy", "target"] as const) {
    assert.deepEqual([...both[part].data], alone.flatMap((each) => [...each[part].data]), part);
  }
  // The loss is a mean over the batch.
  const weights = alone.flatMap(({ weight }) => [...weight.data].map((value) => value / 2));
  assert.deepEqual([...both.weight.data], weights);
  assert.equal(weights[1], 0);
  assert.ok(weights.slice(4).every((value) => value === weights[4] && value > 0));
});

test("a mask is taken along only where masks are used", () => {
  const mask = Float32Array.of(1, 0, 0.5, 1);
  const read: typeof drawing.read = (view) =>
    Effect.map(drawing.read(view), (values) => ({ ...values, mask }));
  const masks = (useMasks: boolean) =>
    Effect.runSync(
      drawItems({ epoch: 0, micro: 0, examples: [0] }, { ...drawing, useMasks, read }),
    ).map((item) => item.mask);
  assert.deepEqual([masks(true), masks(false)], [[mask], [null]]);
});

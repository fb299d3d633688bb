// The mean over items whatever the batch is, against a sum worked out item by item.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Effect } from "effect";
import { noiseSchedule } from "../../engine/diffusion/noise-schedule.ts";
import { decodeSchedulerConfig } from "../../engine/networks/config.ts";
import { normals } from "../../engine/random/draw.ts";
import type { TrainingBatch } from "../../engine/session/batch.ts";
import type { Engine } from "../../engine/session/engine.ts";
import type { Item } from "./batches.ts";
import { meansOfParts, measure } from "./measure.ts";

const sizes = [[2, 3], [2, 3], [4, 2], [2, 3], [4, 2]] as const;
const noiseOf = (i: number) =>
  normals({ seed: 1, purpose: "noise", step: 0, item: i }, 4 * sizes[i][0] * sizes[i][1]);
const items = sizes.map((size, i): Item => ({
  view: {
    size,
    original_size: size,
    crop_top_left: [0, 0],
    target_size: size,
    flipped: false,
    posterior: { blob: "" },
    mask: null,
  } as unknown as Item["view"],
  latents: new Float64Array(4 * size[0] * size[1]),
  noise: noiseOf(i),
  timestep: 100 * i,
  tokens: { ids1: [], ids2: [] } as unknown as Item["tokens"],
  mask: null,
  pooling: { kind: "argmax" },
}));

const seen: number[] = [];
/** A network that always predicts 0: the loss is the mean of the noise's squares. */
const engine = {
  model: { configs: { vae: { scaling_factor: 1 } } },
  losses({ target, weight }: TrainingBatch) {
    const [batch, channels, height, width] = target.dims;
    seen.push(batch);
    const area = height * width;
    const each = new Float64Array(batch);
    target.data.forEach((value, at) => {
      const item = Math.floor(at / (channels * area));
      each[item] += weight.data[item * area + at % area] * value ** 2;
    });
    return Promise.resolve({ loss: each.reduce((sum, value) => sum + value), each });
  },
} as unknown as Engine;

const mean = (values: ArrayLike<number>) =>
  Array.from(values).reduce((a, b) => a + b, 0) / values.length;
const expected = mean(sizes.map((_, i) => mean(noiseOf(i).map((value) => value ** 2))));

const objective = {
  schedule: noiseSchedule(decodeSchedulerConfig({}, "a test")),
  minSnrGamma: 5,
  vMinSnr: "reference",
  maskNormalise: false,
} as const;
const measuredOn = (engine: Engine, batchSize: number) =>
  measure(
    engine,
    { withResource: (_, effect) => effect },
    { items, batchSize, objective },
    [[], []] as any,
  );

test("rows that diverged have no loss, and that is said as what it is", async () => {
  for (const value of [NaN, Infinity]) {
    const losses = () => Promise.resolve({ loss: value, each: new Float64Array(3).fill(value) });
    const diverged = { ...engine, losses } as unknown as Engine;
    const { kind, message } = await Effect.runPromise(Effect.flip(measuredOn(diverged, 3)));
    assert.equal(kind, "user");
    assert.match(message, /a finite loss .* the training diverged\. .*Try a lower learning rate/);
  }
});

for (const batchSize of [1, 2, 3, 8]) {
  test(`the mean over items, measured ${batchSize} at a time`, async () => {
    seen.length = 0;
    const found = await Effect.runPromise(measuredOn(engine, batchSize));
    assert.ok(Math.abs(found.mean / expected - 1) < 1e-5, `${found.mean} and ${expected}`);
    found.each.forEach((loss, i) =>
      assert.ok(Math.abs(loss / mean(noiseOf(i).map((value) => value ** 2)) - 1) < 1e-5, `${i}`)
    );
    assert.ok(seen.every((batch) => batch === batchSize), "each batch is as large as a training's");
  });
}

test("several rules: the mean of each part of the items, which together make the mean", () => {
  const each = Float64Array.of(1, 2, 4, 3, 5, 10);
  assert.deepEqual(meansOfParts({ mean: 25 / 6, each }, 2), [7 / 3, 6]);
  assert.deepEqual(meansOfParts({ mean: 25 / 6, each }, 1), [25 / 6]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type LatentScale, scaleLatents, unscaleLatents } from "./latent-scaling.ts";

const plain: LatentScale = {
  scaling_factor: 0.13025,
  shift_factor: null,
  latents_mean: null,
  latents_std: null,
};
const perChannel: LatentScale = {
  ...plain,
  scaling_factor: 0.5,
  latents_mean: [-1.6574, 1.886, -1.383, 2.5155],
  latents_std: [8.4927, 5.9022, 6.5498, 5.2299],
};

test("scaling is the VAE's factor, or its means and spreads by channel", () => {
  const shape = [2, 4, 1, 2];
  const values = Array.from({ length: 16 }, (_, i) => i - 7);
  const scaled = scaleLatents(values, shape, plain);
  assert.deepEqual([...scaled], values.map((value) => Math.fround(value * 0.13025)));
  const playground = scaleLatents(values, shape, perChannel);
  // Item 1, channel 1, place 0: (3 - 1.886) * 0.5 / 5.9022.
  assert.equal(values[10], 3);
  assert.ok(Math.abs(playground[10] - 0.09437159025448138) < 1e-7, `${playground[10]}`);
});

test("unscaling undoes scaling", () => {
  const value = fc.float({ min: -30, max: 30, noNaN: true });
  fc.assert(fc.property(fc.array(value, { minLength: 24, maxLength: 24 }), (values) => {
    for (const scale of [plain, perChannel, { ...plain, shift_factor: 0.1 }]) {
      const back = unscaleLatents(scaleLatents(values, [1, 4, 3, 2], scale), [1, 4, 3, 2], scale);
      back.forEach((got, i) => assert.ok(Math.abs(got - values[i]) < 1e-5));
    }
  }));
});

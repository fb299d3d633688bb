import assert from "node:assert/strict";
import { test } from "node:test";
import { sinusoidalEmbedding } from "./sinusoidal.ts";
// diffusers' get_timestep_embedding on PyTorch (CPU, x64).
import vectors from "./sinusoidal.vectors.json" with { type: "json" };

for (const { dim, flipSinToCos, freqShift, values, embedding } of vectors) {
  test(`${dim} wide, flip ${flipSinToCos}, shift ${freqShift}: as diffusers`, () => {
    const got = sinusoidalEmbedding(values, dim, { flipSinToCos, freqShift });
    assert.equal(got.length, values.length * dim);
    let further = 0;
    values.forEach((value, row) => {
      for (let i = 0; i < dim; i++) {
        const error = Math.abs(got[row * dim + i] - embedding[row][i]);
        if (error > 1e-6) further++;
        // PyTorch's exp is one float32 unit off for about 1 % of the frequencies; the phase follows.
        assert.ok(error <= 2e-7 + value * 1.2e-7, `${value} at ${i}: off by ${error}`);
      }
    });
    assert.ok(further <= 0.05 * got.length, `${further} of ${got.length} values differ`);
    if (dim === 32) assert.equal(further, 0);
  });
}

test("SDXL's defaults: cosines first, and an odd width ends in 0", () => {
  assert.deepEqual([...sinusoidalEmbedding([0], 5)], [1, 1, 0, 0, 0]);
  assert.deepEqual(
    sinusoidalEmbedding([3, 4], 8).slice(8),
    sinusoidalEmbedding([4], 8),
    "rows are independent",
  );
});

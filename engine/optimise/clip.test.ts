import assert from "node:assert/strict";
import { test } from "node:test";
import { clipGradients } from "./clip.ts";

const gradients = [Float64Array.of(3, 0), Float32Array.of(4)];

test("the norm is over both encoders, and a longer gradient keeps its direction", () => {
  const { norm, gradients: clipped } = clipGradients(gradients, 0.05);
  assert.equal(norm, 5);
  // torch.nn.utils.clip_grad_norm_([[3, 0], [4]], 0.05) in float64.
  const wanted = [[0.029999994000001203, 0], [0.0399999920000016]];
  wanted.flat().forEach((value, i) => {
    const got = clipped.flatMap((group) => [...group])[i];
    assert.ok(Math.abs(got - value) < 1e-16, `${got}`);
  });
});

test("a shorter gradient, or no bound, passes untouched", () => {
  assert.equal(clipGradients(gradients, 5.1).gradients, gradients);
  assert.equal(clipGradients(gradients, null).gradients, gradients);
  assert.equal(clipGradients(gradients, null).norm, 5);
});

test("a gradient that is not finite shows in the norm", () => {
  assert.ok(Number.isNaN(clipGradients([Float64Array.of(NaN, 1)], 1).norm));
  assert.equal(clipGradients([Float64Array.of(Infinity, 1)], 1).norm, Infinity);
});

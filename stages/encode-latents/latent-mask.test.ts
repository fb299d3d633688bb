import assert from "node:assert/strict";
import { test } from "node:test";
import { latentMask } from "./latent-mask.ts";

// Each 8 x 8 area has its number, its first pixel a mark of its own.
const height = 16;
const width = 24;
const mask = Uint8Array.from({ length: height * width }, (_, i) => {
  const [y, x] = [Math.floor(i / width), i % width];
  const area = Math.floor(y / 8) * 3 + Math.floor(x / 8);
  return y % 8 === 0 && x % 8 === 0 ? 255 : 40 * area;
});

test("nearest takes the first pixel of each area, as PIL's NEAREST does not average", () => {
  assert.deepEqual([...latentMask(mask, [height, width], 8, "nearest")], Array(6).fill(1));
});

test("area takes the mean", () => {
  const means = [...latentMask(mask, [height, width], 8, "area")];
  means.forEach((mean, area) => {
    assert.ok(Math.abs(mean - (63 * 40 * area + 255) / (64 * 255)) < 1e-6);
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { latentMask, weightWarnings } from "./latent-mask.ts";

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

test("a mask without weight is said, and no weight at all is refused", () => {
  const views = (...weights: boolean[]) =>
    weights.map((hasWeight, i) => ({ id: `${i}.jpg`, hasWeight }));
  assert.deepEqual(weightWarnings(views(true, true), [], "nearest"), []);
  const [said, ...others] = weightWarnings(views(true, false), [], "nearest");
  assert.match(said, /view of 1\.jpg, at the size .* mask_downscale to area/);
  assert.deepEqual(others, []);
  assert.match(weightWarnings(views(true), views(false), "area").join(), /fixed-input loss there/);
  assert.throws(() => weightWarnings(views(false, false), views(true), "nearest"), {
    _tag: "NoWeightFault",
    kind: "user",
    found: "black ones for 0.jpg, 1.jpg",
  });
});

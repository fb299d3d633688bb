import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { renderView } from "./render-view.ts";
import { planViews, type ViewOptions } from "./views.ts";

const plain: ViewOptions = {
  resolution: 1024,
  aspect_ratio_buckets: null,
  center_crop: true,
  crops_per_image: 1,
  random_flip: false,
  crop_left_after_flip: "resized",
  time_ids_target_size: "bucket",
};
const buckets = { target_resolution: 1024, start_dim: 512, end_dim: 2048, divisible_by: 64 };
const digest = "0123456789abcdef".repeat(4);

test("a phone's portrait photo at 1024, worked out by hand", () => {
  const [view, ...others] = planViews([4032, 3024], digest, 1, plain);
  assert.deepEqual(others, []);
  assert.deepEqual(view, {
    size: [1024, 1024],
    resized: [1366, 1024], // 4032 * 1024 / 3024 = 1365.3
    cut: [171, 0],
    crop: 0,
    flipped: false,
    original_size: [4032, 3024],
    crop_top_left: [171, 0],
    target_size: [1024, 1024],
  });
});

test("the crop's left edge under a flip: in the resized picture, or as the reference counts it", () => {
  const left = (crop_left_after_flip: "resized" | "original") =>
    planViews([3024, 4032], digest, 1, { ...plain, random_flip: true, crop_left_after_flip })
      .map(({ crop_top_left }) => crop_top_left[1]);
  assert.deepEqual(left("resized"), [171, 1366 - 1024 - 171]);
  assert.deepEqual(left("original"), [171, 4032 - 1024 - 171]);
});

test("target_size is the bucket, or the resolution as in the reference", () => {
  const target = (time_ids_target_size: "bucket" | "resolution") =>
    planViews([4032, 3024], digest, 1, {
      ...plain,
      aspect_ratio_buckets: buckets,
      time_ids_target_size,
    })[0];
  assert.deepEqual(target("bucket").size, [1152, 896]);
  assert.deepEqual(target("bucket").target_size, [1152, 896]);
  assert.deepEqual(target("resolution").target_size, [1024, 1024]);
});

test("random crops lie inside, differ, hang on seed and picture, and more of them keep the first", () => {
  const options = { ...plain, resolution: [64, 96] as const, center_crop: false };
  const cuts = (count: number, seed = 1, of = digest) =>
    planViews([300, 200], of, seed, { ...options, crops_per_image: count }).map(({ cut }) => cut);
  const eight = cuts(8);
  assert.equal(new Set(eight.map(String)).size > 1, true);
  for (const [top, left] of eight) {
    assert.ok(top >= 0 && top <= 144 - 64, `${top}`);
    assert.equal(left, 0);
  }
  assert.deepEqual(cuts(3), eight.slice(0, 3));
  assert.notDeepEqual(cuts(8, 2), eight);
  assert.notDeepEqual(cuts(8, 1, "f".repeat(64)), eight);
  assert.deepEqual(cuts(8).length, 8);
  assert.equal(planViews([200, 300], digest, 1, { ...options, crops_per_image: 8 }).length, 1);
});

test("resized covers the view and touches it on one side, whatever the sizes", () => {
  const side = fc.integer({ min: 8, max: 5000 });
  const eighth = fc.integer({ min: 1, max: 256 }).map((n) => n * 8);
  fc.assert(fc.property(side, side, eighth, eighth, (height, width, h, w) => {
    const [{ resized, cut }] = planViews([height, width], digest, 1, {
      ...plain,
      resolution: [h, w],
    });
    assert.ok(resized[0] >= h && resized[1] >= w);
    assert.ok(resized[0] === h || resized[1] === w);
    assert.ok(cut[0] + h <= resized[0] && cut[1] + w <= resized[1]);
  }));
});

test("a mirrored view shows, from right to left, the pixels that crop_top_left names", () => {
  // Column x of the picture has the value x, and nothing is resized.
  const width = 40;
  const picture = {
    width,
    height: 16,
    channels: 1,
    data: Uint8Array.from({ length: 16 * width }, (_, i) => i % width),
  };
  const options = { ...plain, resolution: 16, center_crop: false, random_flip: true };
  const views = planViews([16, width], digest, 3, { ...options, crops_per_image: 4 });
  for (const view of views) {
    const row = [...renderView(picture, view).subarray(0, 16)];
    const mirrored = Array.from({ length: width }, (_, x) => width - 1 - x);
    const shown = view.flipped ? mirrored : mirrored.toReversed();
    const left = view.crop_top_left[1];
    assert.deepEqual(row, shown.slice(left, left + 16));
  }
});

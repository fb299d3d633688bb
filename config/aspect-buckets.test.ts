// Expected values come from running the reference trainer's AspectRatioBucketManager.
import assert from "node:assert/strict";
import { test } from "node:test";
import { aspectBuckets, nearestBucket } from "./aspect-buckets.ts";

const sdxl = { target_resolution: 1024, start_dim: 512, end_dim: 2048, divisible_by: 64 };

test("the reference's buckets", () => {
  const tiny = { target_resolution: 128, start_dim: 64, end_dim: 256, divisible_by: 32 };
  const sides = (buckets: readonly (readonly number[])[]) =>
    buckets.map((size) => size.join("x")).reverse();
  assert.deepEqual(
    sides(aspectBuckets(tiny)),
    "64x192 64x224 64x256 96x160 128x128 160x96 192x64 224x64 256x64".split(" "),
  );
  assert.deepEqual(
    sides(aspectBuckets(sdxl)),
    ("512x1856 512x1920 512x1984 512x2048 576x1664 576x1728 576x1792 640x1536 640x1600 704x1408 " +
      "704x1472 768x1280 768x1344 832x1216 896x1152 960x1088 1024x1024 1088x960 1152x896 " +
      "1216x832 1280x768 1344x768 1408x704 1472x704 1536x640 1600x640 1664x576 1728x576 " +
      "1792x576 1856x512 1920x512 1984x512 2048x512").split(" "),
  );
});

test("the reference's choice of bucket", () => {
  const chosen: (readonly [readonly [number, number], readonly [number, number]])[] = [
    [[4032, 3024], [1152, 896]],
    [[3024, 4032], [896, 1152]],
    [[1000, 1000], [1024, 1024]],
    [[1080, 1920], [768, 1344]],
    [[100, 1000], [512, 2048]],
    [[5000, 100], [2048, 512]],
    [[768, 1024], [896, 1152]],
  ];
  for (const [picture, bucket] of chosen) {
    assert.deepEqual(nearestBucket(aspectBuckets(sdxl), picture), bucket);
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { hasSettled, varianceRatio } from "./fixed-loss.ts";

const fill = (count: number, value: (i: number) => number) =>
  Float64Array.from({ length: count }, (_, i) => value(i));

test("no verdict before there are more than 200 values", () => {
  assert.equal(varianceRatio(fill(200, (i) => i)), null);
  assert.equal(hasSettled(fill(200, () => 1)), false);
});

test("the ratio of a line: 200 of 400 values have a quarter of the variance", () => {
  // The variance of 0 .. n-1 is (n^2 - 1) / 12.
  const expected = (200 ** 2 - 1) / (400 ** 2 - 1);
  assert.ok(Math.abs(varianceRatio(fill(400, (i) => i))! - expected) < 1e-12);
  assert.equal(hasSettled(fill(400, (i) => i)), false);
});

test("a fall that ends in a plain has settled", () => {
  assert.equal(hasSettled(fill(500, (i) => i < 100 ? 100 - i : (i % 2) * 0.1)), true);
});

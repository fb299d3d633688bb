import assert from "node:assert/strict";
import { test } from "node:test";
import { hasSettled, pairedDifference, varianceRatio } from "./loss-history.ts";

/** `count` values, one every so many steps. */
const history = (count: number, every: number, value: (i: number) => number) => ({
  fixedLosses: Float64Array.from({ length: count }, (_, i) => value(i)),
  fixedSteps: Float64Array.from({ length: count }, (_, i) => i * every),
});

test("no verdict while all values are of the last 200 steps, or there are not more than 8", () => {
  for (const [count, every] of [[200, 1], [40, 5], [8, 25], [8, 100]]) {
    assert.equal(varianceRatio(history(count, every, (i) => i)), null, `${count} values`);
  }
  assert.equal(hasSettled(history(200, 1, () => 1)), false);
  assert.equal(varianceRatio(history(0, 1, () => 1)), null);
});

test("the ratio of a line: the values of half of the steps have a quarter of the variance", () => {
  // The variance of 0 .. n-1 is (n^2 - 1) / 12.
  const expect = (found: number | null, window: number, all: number) => {
    const expected = (window ** 2 - 1) / (all ** 2 - 1);
    assert.ok(Math.abs(found! - expected) < 1e-12, `${found}`);
  };
  expect(varianceRatio(history(400, 1, (i) => i)), 200, 400);
  expect(varianceRatio(history(80, 5, (i) => i)), 40, 80);
  expect(varianceRatio(history(17, 25, (i) => i)), 8, 17);
  expect(varianceRatio(history(16, 100, (i) => i)), 8, 16);
  assert.equal(hasSettled(history(400, 1, (i) => i)), false);
});

test("a fall that ends in a plain has settled, measured often or seldom", () => {
  const falls = (every: number) => (i: number) => i * every < 100 ? 100 - i * every : i % 2;
  assert.equal(hasSettled(history(500, 1, falls(1))), true);
  assert.equal(hasSettled(history(17, 25, falls(25))), true);
});

test("a paired difference with its standard error, worked out by hand", () => {
  // Differences 1, 2, 3: mean 2, sample variance 1, error sqrt(1/3).
  const found = pairedDifference(Float64Array.of(2, 4, 6), Float64Array.of(1, 2, 3));
  assert.equal(found!.difference, 2);
  assert.ok(Math.abs(found!.error - Math.sqrt(1 / 3)) < 1e-15);
  assert.equal(pairedDifference(Float64Array.of(1), Float64Array.of(1)), null);
  assert.equal(pairedDifference(Float64Array.of(1, 2), new Float64Array()), null);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { averageRows } from "./averaged-rows.ts";

const near = (got: number, wanted: number) => assert.ok(Math.abs(got - wanted) < 1e-15, `${got}`);

test("the weights of the rows so far are products of the decays, worked out by hand", () => {
  // Decays of steps 1, 2, 3 are 2/11, 3/12 and, bounded, 0.3.
  const rows = [1, 10, 100, 1000].map((value) => [Float64Array.of(value), Float64Array.of(-value)]);
  let mean: readonly Float64Array[] = rows[0];
  for (const step of [1, 2, 3]) mean = averageRows(mean, rows[step], 0.3, step);
  const wanted = 0.3 * (0.25 * (2 / 11 * 1 + 9 / 11 * 10) + 0.75 * 100) + 0.7 * 1000;
  near(mean[0][0] / wanted, 1);
  near(mean[1][0] / -wanted, 1);
});

test("rows that stand still are their own mean, and what is given stays", () => {
  const still = [Float64Array.of(0.1, 0.2)];
  const mean = averageRows(still, still, 0.95, 500);
  near(mean[0][0], 0.1);
  near(mean[0][1], 0.2);
  averageRows(still, [Float64Array.of(9, 9)], 0.95, 1);
  assert.deepEqual(still, [Float64Array.of(0.1, 0.2)]);
});

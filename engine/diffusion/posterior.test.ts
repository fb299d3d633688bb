import assert from "node:assert/strict";
import { test } from "node:test";
import { samplePosterior } from "./posterior.ts";

test("a posterior sample is as many deviations from the mean as the noise says", () => {
  const mean = [0.5, -2, 0, 3];
  const logvar = [0, 2, -40, 25];
  const sample = samplePosterior({ mean, logvar }, [1, -0.5, 2, 1]);
  // exp(1) * -0.5 - 2, and the bounds of -30 and 20.
  const wanted = [1.5, -3.3591409142295223, 2 * 3.059023205018258e-7, 3 + 22026.465794806718];
  sample.forEach((value, i) => {
    assert.ok(Math.abs(value - wanted[i]) <= 1e-15 * Math.abs(wanted[i]), `${i}: ${value}`);
  });
});

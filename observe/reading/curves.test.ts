// Thinned curves against plain recomputation over all points.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { RunEvent } from "../../inversion/events.ts";
import { newCurves } from "./curves.ts";

const stepEvent = (step: number, loss: number): RunEvent => ({
  event: "step",
  at: step,
  step,
  epoch: 1,
  loss,
  lr: step * 2,
  gradientNorm: loss,
  gradientShare: [0.25, 0.75],
  seconds: loss + 1,
  rssBytes: 7,
});

const filled = (losses: readonly number[]) => {
  const curves = newCurves();
  losses.forEach((loss, i) => curves.add(stepEvent(i + 1, loss)));
  return curves;
};

/** Also more of them than there are buckets. */
const numbers = fc.array(fc.double({ min: -100, max: 100, noNaN: true }), {
  minLength: 1,
  maxLength: 300,
  size: "max",
});

test("no extreme is lost: least and greatest of the buckets are those of all points", () => {
  fc.assert(fc.property(numbers, fc.integer({ min: 10, max: 60 }), (losses, points) => {
    const { steps } = filled(losses).thinned({ points, smoothing: 0 });
    assert.ok(steps.step.length <= points);
    assert.equal(Math.min(...steps.loss.min), Math.min(...losses));
    assert.equal(Math.max(...steps.loss.max), Math.max(...losses));
    assert.equal(steps.step.at(-1), losses.length);
    assert.equal(steps.loss.last.at(-1), losses.at(-1));
    steps.step.forEach((step, i) => assert.equal(steps.loss.last[i], losses[step - 1]));
  }));
});

test("few points are passed on as they are", () => {
  const losses = [3, 1, 2];
  const { steps } = filled(losses).thinned({ points: 10, smoothing: 0 });
  assert.deepEqual(steps.step, [1, 2, 3]);
  assert.deepEqual(steps.loss, { min: losses, max: losses, last: losses });
  assert.deepEqual(steps.rate, [2, 4, 6]);
});

test("the average is over all points, also those that are not shown", () => {
  const losses = Array.from({ length: 500 }, (_, i) => (i * 7919) % 13);
  const { steps } = filled(losses).thinned({ points: 20, smoothing: 0.9 });
  // TensorBoard's formula written as a sum: weights 0.9^age, normalised.
  const average = (until: number) => {
    let sum = 0;
    let weights = 0;
    for (let i = 0; i < until; i++) {
      const weight = 0.9 ** (until - 1 - i);
      sum += weight * losses[i];
      weights += weight;
    }
    return sum / weights;
  };
  steps.step.forEach((step, i) => assert.ok(Math.abs(steps.smoothed[i] - average(step)) < 1e-9));
});

test("a part of the steps is shown with all its points", () => {
  const losses = Array.from({ length: 1000 }, (_, i) => i);
  const { steps } = filled(losses).thinned({ points: 50, smoothing: 0, from: 300, to: 320 });
  assert.deepEqual(steps.step, Array.from({ length: 21 }, (_, i) => 300 + i));
});

test("a step that comes again replaces what a killed attempt had after it", () => {
  const curves = filled([1, 2, 3, 4, 5]);
  curves.add(stepEvent(3, 30));
  const { steps } = curves.thinned({ points: 10, smoothing: 0 });
  assert.deepEqual(steps.step, [1, 2, 3]);
  assert.deepEqual(steps.loss.last, [1, 2, 30]);
});

test("rows become one curve each", () => {
  const curves = newCurves();
  for (const step of [10, 20]) {
    curves.add({
      event: "rows",
      at: 0,
      step,
      encoders: [{
        name: "clip_l",
        norms: [step, step + 1],
        cosines: [1, 0.5],
        vocabularyNorms: [1, 2, 3],
        nearest: [[["a", 1]], [["b", 1]]],
      }],
    });
  }
  assert.deepEqual(curves.thinned({ points: 10, smoothing: 0 }).rows, {
    step: [10, 20],
    encoders: [{
      name: "clip_l",
      vocabularyNorms: [1, 2, 3],
      norms: [[10, 20], [11, 21]],
      cosines: [[1, 1], [0.5, 0.5]],
    }],
  });
});

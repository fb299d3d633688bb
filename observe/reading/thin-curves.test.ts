// Thinned curves against plain recomputation over all points.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { RunEvent } from "../../inversion/events.ts";
import { curveOf, type Curves, emptyCurves, extendCurves, lastStepOf, pointOf } from "./curves.js";
import { type CurveRequest, thinCurves } from "./thin-curves.ts";

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
  const curves = emptyCurves();
  losses.forEach((loss, i) => extendCurves(curves, stepEvent(i + 1, loss)));
  return curves;
};

const lossOf = (curves: Curves, request: CurveRequest) =>
  curveOf(thinCurves(curves, request), { event: "step", key: "loss" });

/** Also more of them than there are buckets. */
const numbers = fc.array(fc.double({ min: -100, max: 100, noNaN: true }), {
  minLength: 1,
  maxLength: 300,
  size: "max",
});

test("the point of a step is the one whose bucket holds it, also where most steps have none of their own", () => {
  const losses = Array.from({ length: 200 }, (_, i) => Math.abs(i - 136));
  const { step, min } = lossOf(filled(losses), { points: 20 });
  assert.ok(!step.includes(137), "its step is no point's");
  assert.equal(min[pointOf(step, 137)], 0);
  assert.equal(pointOf(step, 1), 0);
  assert.equal(pointOf(step, 200), step.length - 1);
  assert.equal(pointOf(step, 201), -1);
});

test("no extreme is lost: least and greatest of the buckets are those of all points", () => {
  fc.assert(fc.property(numbers, fc.integer({ min: 10, max: 60 }), (losses, points) => {
    const { step, min, max, last } = lossOf(filled(losses), { points });
    assert.ok(step.length <= points);
    assert.equal(Math.min(...min as number[]), Math.min(...losses));
    assert.equal(Math.max(...max as number[]), Math.max(...losses));
    assert.equal(step.at(-1), losses.length);
    assert.equal(last.at(-1), losses.at(-1));
    step.forEach((step, i) => assert.equal(last[i], losses[step - 1]));
  }));
});

test("few points are passed on as they are", () => {
  const losses = [3, 1, 2];
  const thinned = thinCurves(filled(losses), { points: 10, smoothing: 0 });
  assert.deepEqual(curveOf(thinned, { event: "step", key: "loss" }), {
    step: [1, 2, 3],
    at: [1, 2, 3],
    min: losses,
    max: losses,
    last: losses,
    smoothed: losses,
  });
  assert.deepEqual(curveOf(thinned, { event: "step", key: "rate" }).last, [2, 4, 6]);
  assert.deepEqual(curveOf(thinned, { event: "step", key: "adaptedRate" }).max, [null, null, null]);
});

test("the average is over all points, also those that are not shown", () => {
  const losses = Array.from({ length: 500 }, (_, i) => (i * 7919) % 13);
  const { step, smoothed } = lossOf(filled(losses), { points: 20, smoothing: 0.9 });
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
  step.forEach((step, i) => assert.ok(Math.abs(smoothed[i]! - average(step)) < 1e-9));
});

test("only what is smoothed has an average, by its own weight where none is asked for", () => {
  const curves = filled([3, 1, 2]);
  const own = lossOf(curves, { points: 10 });
  // 0.9 each time, normalised: (0.9 * 3 + 1) / 1.9 and (0.81 * 3 + 0.9 + 2) / 2.71.
  [3, 3.7 / 1.9, 5.33 / 2.71].forEach((wanted, i) =>
    assert.ok(Math.abs(own.smoothed[i]! - wanted) < 1e-9)
  );
  const thinned = thinCurves(curves, { points: 10, smoothing: 0.6 });
  assert.deepEqual(Object.keys(thinned.series.step.columns.rate), ["last"]);
});

test("a part of the steps is shown with all its points", () => {
  const losses = Array.from({ length: 1000 }, (_, i) => i);
  const { step } = lossOf(filled(losses), { points: 50, from: 300, to: 320 });
  assert.deepEqual(step, Array.from({ length: 21 }, (_, i) => 300 + i));
});

test("a step that comes again replaces what a killed attempt had after it", () => {
  const curves = filled([1, 2, 3, 4, 5]);
  extendCurves(curves, stepEvent(3, 30));
  const { step, last } = lossOf(curves, { points: 10 });
  assert.deepEqual(step, [1, 2, 3]);
  assert.deepEqual(last, [1, 2, 30]);
});

test("the page's fold goes on where the server's ended: as if all had been folded at once", () => {
  const losses = [3, 1, 2, 5, 4, 6, 9, 8];
  const live = thinCurves(filled(losses.slice(0, 5)), { points: 100, smoothing: 0.6 });
  const sent: Curves = JSON.parse(JSON.stringify(live));
  losses.slice(5).forEach((loss, i) => extendCurves(sent, stepEvent(i + 6, loss)));
  assert.deepEqual(sent, thinCurves(filled(losses), { points: 100, smoothing: 0.6 }));
  assert.equal(lastStepOf(sent, "step"), 8);
});

test("a thinned curve grows by points that are their own least and greatest", () => {
  const sent = thinCurves(filled([1, 5, 2, 7, 3, 4]), { points: 2 });
  extendCurves(sent, stepEvent(7, 9));
  const { min, max, last } = curveOf(sent, { event: "step", key: "loss" });
  assert.deepEqual([min, max, last], [[1, 3, 9], [5, 7, 9], [2, 4, 9]]);
});

const withRows = (steps: readonly number[]) => {
  const curves = emptyCurves();
  for (const step of steps) {
    extendCurves(curves, {
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
  return curves;
};

test("rows, which are many, have 300 points at most, and fewer where fewer are asked for", () => {
  const curves = withRows(Array.from({ length: 400 }, (_, i) => i + 1));
  for (const [points, wanted] of [[50, 50], [1000, 300]]) {
    const { step, encoders: [{ norms }] } = thinCurves(curves, { points }).rows;
    assert.equal(step.length, wanted);
    assert.deepEqual([step.at(-1), norms[0].length, norms[0].at(-1)], [400, wanted, 400]);
  }
});

test("rows become one curve each", () => {
  assert.deepEqual(thinCurves(withRows([10, 20]), { points: 10 }).rows, {
    step: [10, 20],
    encoders: [{
      name: "clip_l",
      vocabularyNorms: [1, 2, 3],
      norms: [[10, 20], [11, 21]],
      cosines: [[1, 1], [0.5, 0.5]],
    }],
  });
});

// One step with everything around it: the units of the rate, and a pull that Prodigy's estimate must not
// mistake for a way that it has gone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { normals } from "../random/draw.ts";
import { optimizerStep, type StepRules } from "./optimizer-step.ts";
import { type OptimizerOptions, scaleState, startOptimizer } from "./optimizer.ts";
import type { Rows } from "./rows.ts";

const adamW: OptimizerOptions = {
  optimizer_type: "AdamW",
  beta1: 0.9,
  beta2: 0.999,
  weight_decay: 0.1,
  epsilon: 1e-8,
};
const prodigy: OptimizerOptions = {
  optimizer_type: "Prodigy",
  weight_decay: 0,
  use_bias_correction: false,
  safeguard_warmup: false,
};
const rules = (over: Partial<StepRules>): StepRules => ({
  optimizer: adamW,
  rateUnits: [1, 1],
  maxGradNorm: null,
  stdPull: "off",
  spreads: [0.1, 0.1],
  ...over,
});
const draw = (item: number, scale: number) =>
  normals({ seed: 1, purpose: "test", step: 0, item }, 12).map((value) => value * scale);

test("a rate in units of the vocabulary is that rate times the spread, decay and all", () => {
  const rows = [draw(0, 1), draw(1, 1)];
  const gradients = [draw(2, 1), draw(3, 1)];
  const state = startOptimizer(adamW, rows);
  const step = (rate: number, rateUnits: readonly number[]) =>
    optimizerStep(state, gradients, rate, rules({ rateUnits })).state.rows;
  const both = step(0.5, [0.25, 0.75]);
  assert.deepEqual(both[0], step(0.125, [1, 1])[0]);
  assert.deepEqual(both[1], step(0.375, [1, 1])[1]);
});

/** d after some steps down a bowl whose middle is a way off, under a pull or none. */
function estimate(stdPull: StepRules["stdPull"], compensated: boolean): number {
  const target = [draw(4, 0.1), draw(5, 0.1)];
  let state = startOptimizer(prodigy, [draw(0, 0.07), draw(1, 0.07)]);
  for (let i = 0; i < 50; i++) {
    const gradients: Rows = state.rows.map((rows, g) => rows.map((x, k) => x - target[g][k]));
    const { start } = state as typeof state & { start: Rows };
    const next = optimizerStep(
      state,
      gradients,
      1,
      rules({ optimizer: prodigy, stdPull }),
    ).state;
    state = compensated ? next : { ...next, start } as typeof next;
  }
  assert.ok(state.optimizer_type === "Prodigy");
  return state.d;
}

test("Prodigy's d grows under the pull as without it; with the pull in its way it stays", () => {
  const free = estimate("off", true);
  assert.ok(free > 1e-3, `${free}`);
  const pulled = estimate("once", true);
  assert.ok(pulled > 0.2 * free && pulled < 5 * free, `${pulled} and ${free}`);
  assert.ok(estimate("once", false) < 0.01 * free);
});

test("rows that are scaled take Prodigy's start along", () => {
  const state = startOptimizer(prodigy, [Float64Array.of(1, 2), Float64Array.of(3)]);
  const scaled = scaleState(state, [0.5, 2]);
  assert.ok(scaled.optimizer_type === "Prodigy");
  assert.deepEqual(scaled.rows, [Float64Array.of(0.5, 1), Float64Array.of(6)]);
  assert.deepEqual(scaled.start, scaled.rows);
  assert.deepEqual(state.rows, [Float64Array.of(1, 2), Float64Array.of(3)]);
});

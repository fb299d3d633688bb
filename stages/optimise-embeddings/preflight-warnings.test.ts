import assert from "node:assert/strict";
import { test } from "node:test";
import { startOptimizer } from "../../engine/optimise/optimizer.ts";
import { planBatches } from "./batch-plan.ts";
import type { OptimiseOptions } from "./options.ts";
import { preflightWarnings, stuckStepSize, worseThanWord } from "./preflight-warnings.ts";
import type { TrainingState } from "./training-state.ts";

/** Nine steps in which the rate is `rate`, over four square pictures and one tall one. */
function warned(
  over: Partial<OptimiseOptions>,
  step = 0,
  rate = (_: number) => 1e-2,
  horizon: number | null = null,
  rateUnits: readonly number[] = [1, 1],
) {
  const options = {
    train_batch_size: 2,
    gradient_accumulation_steps: 1,
    optimizer: { optimizer_type: "AdamW", learning_rate: 1e-2 },
    lr_scheduler: "linear",
    ...over,
  } as OptimiseOptions;
  const length = { seed: 1, max_train_steps: 9, max_train_epochs: null };
  const batchPlan = planBatches(["a", "a", "a", "a", "b"], { ...options, ...length });
  const rows = [Float64Array.of(-0.01, 0.01), Float64Array.of(-0.02, 0.02)];
  const gradient = { rules: { rateUnits } };
  const state = { step, average: null, optimizer: { rows } } as unknown as TrainingState;
  return {
    said: preflightWarnings({ options, batchPlan, rate, gradient }, state, horizon).join("\n"),
    batchPlan,
  };
}

test("nothing is said of a training that can learn", () => {
  assert.equal(warned({}).said, "");
  assert.equal(warned({}, 4).said, "");
  assert.equal(warned({}, 9, () => 0).said, "", "nothing is left to do");
});

test("a rate that moves nothing, also where only the rest of a schedule does", () => {
  assert.match(warned({}, 0, () => 1e-6).said, /too small.*9 steps .* at most 9\.0e-6/);
  assert.equal(warned({}, 4, () => 1e-6).said, "", "said when it began");
  assert.match(warned({}, 0, () => 0).said, /9 steps that are left: their rate is 0/);
  assert.match(warned({}, 6, (step) => step < 6 ? 1e-2 : 0).said, /the 3 steps.*linear/);
});

test("told below a tenth of the smaller spread, and not from there on; never of Prodigy", () => {
  // Of -0.01 and 0.01 the sample standard deviation is 0.01 times the root of 2; there are nine steps.
  const threshold = 0.1 * 0.01 * Math.SQRT2 / 9;
  assert.match(warned({}, 0, () => 0.99 * threshold).said, /values differ by 1\.4e-2/);
  assert.equal(warned({}, 0, () => 1.01 * threshold).said, "");
  const optimizer = { optimizer_type: "Prodigy" } as OptimiseOptions["optimizer"];
  assert.equal(warned({ optimizer }, 0, () => 1e-9).said, "");
});

test("in units of the vocabulary it is the rate times the unit that reaches or not", () => {
  const said = (unit: number) => warned({}, 0, () => 1e-2, null, [unit, unit]).said;
  // 9 steps of 1e-2 times the unit, against a tenth of 0.01 times the root of 2.
  assert.equal(said(0.0158), "");
  assert.match(
    said(0.0156),
    /at most 1\.4e-3, and values differ by 1\.4e-2.*vocabulary 0\.1 to 0\.6/,
  );
});

test("a step size that is not found is told 50 steps after the warm-up, once", () => {
  const rows = [Float64Array.of(1), Float64Array.of(2)];
  const said = (step: number, d: number, kind: "AdamW" | "Prodigy" = "Prodigy") => {
    const options = {
      optimizer: { optimizer_type: kind },
      lr_warmup_steps: 10,
      lr_scheduler: "constant_with_warmup",
    } as OptimiseOptions;
    const optimizer = { ...startOptimizer({ optimizer_type: kind }, rows), d };
    return stuckStepSize({ options }, { step, optimizer } as TrainingState)
      .map((event) => event.event === "warning" ? event.text : event.event);
  };
  assert.match(said(60, 1e-6).join(), /after 60 steps it is 1\.0e-6/);
  for (const step of [50, 59, 61]) assert.deepEqual(said(step, 1e-6), []);
  assert.deepEqual(said(60, 1e-4), []);
  assert.deepEqual(said(60, 1e-6, "AdamW"), []);
});

test("a beginning more than 5 % worse than the word", () => {
  const text = ([event]: ReturnType<typeof worseThanWord>) =>
    event?.event === "warning" ? event.text : "";
  assert.match(text(worseThanWord(0.106, 0.1)), /0\.10600, and 0\.10000 with the word once/);
  assert.equal(text(worseThanWord(0.105, 0.1)), "");
  assert.equal(text(worseThanWord(0.09, 0.1)), "");
});

test("a schedule that rises after its end", () => {
  const cosine = (step: number) => 0.005 * (1 + Math.cos(Math.PI * step / 5));
  const rising = warned({ lr_scheduler: "cosine" }, 5, cosine, 5).said;
  assert.match(rising, /cosine\) was made for 5 steps: .* to 6\.5e-3 in the last step/);
  assert.equal(warned({}, 5, cosine).said, "", "its own length");
  assert.equal(warned({}, 5, () => 1e-7, 5).said, "", "a polynomial stays where it ended");
  assert.equal(warned({ lr_scheduler: "cosine" }, 9, cosine, 5).said, "", "nothing is left to do");
});

test("batches and steps that an epoch cannot fill", () => {
  const many = warned({ train_batch_size: 8, gradient_accumulation_steps: 5 });
  assert.match(many.said, /train_batch_size is 8, .* more than 4:/);
  assert.match(many.said, /steps is 5, .* more than 2:.* divided by 5/);
  assert.deepEqual(many.batchPlan.fullest, { batch: 4, batches: 2 });
  assert.equal(warned({ train_batch_size: 4, gradient_accumulation_steps: 2 }).said, "");
});

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { learningRates, RateFault, type RateOptions } from "./rates.ts";

const file = new URL("../../tests/golden/lr_schedules.json", import.meta.url);
const golden: {
  lr_scheduler: RateOptions["schedule"];
  lr_warmup_steps: number;
  num_training_steps: number;
  lr: number;
  values: number[] | null;
}[] = JSON.parse(await readFile(file, "utf8"));

for (const { lr_scheduler, lr_warmup_steps, num_training_steps, lr, values } of golden) {
  const options: RateOptions = {
    schedule: lr_scheduler,
    learningRate: lr,
    warmupSteps: lr_warmup_steps,
    trainingSteps: num_training_steps,
  };
  test(`${lr_scheduler}, ${lr_warmup_steps} of ${num_training_steps} steps warm up`, () => {
    if (values === null) {
      assert.throws(() => learningRates(options), RateFault);
      return;
    }
    const rate = learningRates(options);
    values.forEach((wanted, step) => {
      assert.ok(Math.abs(rate(step) - wanted) <= 1e-12 * lr, `step ${step}: ${rate(step)}`);
    });
  });
}

test("a polynomial cannot end above its peak", () => {
  const options = { schedule: "polynomial", warmupSteps: 0, trainingSteps: 9 } as const;
  assert.throws(() => learningRates({ ...options, learningRate: 1e-7 }), RateFault);
  assert.equal(learningRates({ ...options, learningRate: 1e-3 })(0), 1e-3);
});

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { learningRates, RateFault, type RateOptions, scheduleNames } from "./rates.ts";

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
    decayFraction: 0.4,
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
  const options = {
    schedule: "polynomial",
    warmupSteps: 0,
    trainingSteps: 9,
    decayFraction: 0.4,
  } as const;
  assert.throws(() => learningRates({ ...options, learningRate: 1e-7 }), RateFault);
  assert.equal(learningRates({ ...options, learningRate: 1e-3 })(0), 1e-3);
});

test("warm-up, a plain, and a line down to 0 over the last part", () => {
  const rates = (warmupSteps: number, trainingSteps: number, decayFraction: number) => {
    const rate = learningRates({
      schedule: "warmup_stable_decay",
      learningRate: 8,
      warmupSteps,
      trainingSteps,
      decayFraction,
    });
    return Array.from({ length: trainingSteps + 2 }, (_, step) => rate(step));
  };
  assert.deepEqual(rates(2, 10, 0.4), [0, 4, 8, 8, 8, 8, 8, 6, 4, 2, 0, 0]);
  assert.deepEqual(rates(0, 5, 0.5), [8, 8, 8, 16 / 3, 8 / 3, 0, 0], "3 of 5 steps, rounded up");
  assert.deepEqual(rates(2, 6, 1), [0, 4, 8, 6, 4, 2, 0, 0], "the warm-up is left alone");
  assert.deepEqual(rates(0, 3, 0), [8, 8, 8, 0, 0], "no decay at all");
  assert.equal(rates(0, 30, 0.1).filter((rate) => rate === 8).length, 28, "27 and the first of 3");
});

test("every schedule of diffusers is compared with it", () => {
  const compared = new Set(golden.map(({ lr_scheduler }) => lr_scheduler));
  const others = scheduleNames.filter((name) => !compared.has(name));
  assert.deepEqual(others, ["warmup_stable_decay"]);
});

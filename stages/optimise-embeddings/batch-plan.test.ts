import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isDue, planBatches } from "./batch-plan.ts";

const options = {
  seed: 3,
  train_batch_size: 4,
  gradient_accumulation_steps: 2,
  max_train_steps: 10,
  max_train_epochs: null,
};

test("every epoch shows every example once, in batches of one size", () => {
  fc.assert(fc.property(
    fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 30 }),
    fc.integer({ min: 1, max: 7 }),
    fc.integer({ min: 1, max: 4 }),
    (sizes, train_batch_size, gradient_accumulation_steps) => {
      const batchPlan = planBatches(sizes, {
        ...options,
        train_batch_size,
        gradient_accumulation_steps,
        max_train_steps: null,
        max_train_epochs: 2,
      });
      assert.equal(batchPlan.totalSteps, 2 * batchPlan.stepsPerEpoch);
      const micros: number[] = [];
      for (const epoch of [0, 1]) {
        const seen: number[] = [];
        for (let i = 0; i < batchPlan.stepsPerEpoch; i++) {
          const step = batchPlan.step(epoch * batchPlan.stepsPerEpoch + i);
          assert.ok(step.length >= 1 && step.length <= gradient_accumulation_steps);
          for (const { examples, micro } of step) {
            assert.ok(examples.length <= train_batch_size);
            assert.equal(new Set(examples.map((example) => sizes[example])).size, 1);
            seen.push(...examples);
            micros.push(micro);
          }
        }
        assert.deepEqual(seen.sort((a, b) => a - b), sizes.map((_, i) => i));
      }
      assert.deepEqual(micros, micros.map((_, i) => i));
      const steps = Array.from({ length: batchPlan.stepsPerEpoch }, (_, i) => batchPlan.step(i));
      assert.deepEqual(batchPlan.fullest, {
        batch: Math.max(...steps.flat().map(({ examples }) => examples.length)),
        batches: Math.max(...steps.map(({ length }) => length)),
      });
    },
  ));
});

test("accumulation is cut at the end of an epoch, as in the reference", () => {
  const batchPlan = planBatches(Array(10).fill("a"), options);
  assert.equal(batchPlan.stepsPerEpoch, 2);
  assert.deepEqual([0, 1, 2].map((i) => batchPlan.step(i).map((m) => m.examples.length)), [
    [4, 4],
    [2],
    [4, 4],
  ]);
  assert.deepEqual([0, 1, 2, 3, 4].map(batchPlan.epochsAfter), [0, 0, 1, 1, 2]);
});

test("a step does not depend on the steps drawn before it", () => {
  const a = planBatches(Array(9).fill("a"), options);
  const b = planBatches(Array(9).fill("a"), options);
  const forwards = [0, 1, 2, 3, 4, 5].map(a.step);
  const backwards = [5, 4, 3, 2, 1, 0].map(b.step).reverse();
  assert.deepEqual(forwards, backwards);
});

test("what is due by steps or by epochs", () => {
  const batchPlan = planBatches(Array(10).fill("a"), options);
  const due = (steps: number | null, epochs: number | null) =>
    Array.from({ length: 9 }, (_, i) => i).filter((i) => isDue(batchPlan, i, steps, epochs));
  assert.deepEqual(due(3, null), [3, 6]);
  assert.deepEqual(due(null, 2), [4, 8]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isDue, planCourse } from "./course.ts";

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
      const course = planCourse(sizes, {
        ...options,
        train_batch_size,
        gradient_accumulation_steps,
        max_train_steps: null,
        max_train_epochs: 2,
      });
      assert.equal(course.totalSteps, 2 * course.stepsPerEpoch);
      const micros: number[] = [];
      for (const epoch of [0, 1]) {
        const seen: number[] = [];
        for (let i = 0; i < course.stepsPerEpoch; i++) {
          const step = course.step(epoch * course.stepsPerEpoch + i);
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
      const steps = Array.from({ length: course.stepsPerEpoch }, (_, i) => course.step(i));
      assert.deepEqual(course.fullest, {
        batch: Math.max(...steps.flat().map(({ examples }) => examples.length)),
        batches: Math.max(...steps.map(({ length }) => length)),
      });
    },
  ));
});

test("accumulation is cut at the end of an epoch, as in the reference", () => {
  const course = planCourse(Array(10).fill("a"), options);
  assert.equal(course.stepsPerEpoch, 2);
  assert.deepEqual([0, 1, 2].map((i) => course.step(i).map((m) => m.examples.length)), [
    [4, 4],
    [2],
    [4, 4],
  ]);
  assert.deepEqual([0, 1, 2, 3, 4].map(course.epochsAfter), [0, 0, 1, 1, 2]);
});

test("a step does not depend on the steps drawn before it", () => {
  const a = planCourse(Array(9).fill("a"), options);
  const b = planCourse(Array(9).fill("a"), options);
  const forwards = [0, 1, 2, 3, 4, 5].map(a.step);
  const backwards = [5, 4, 3, 2, 1, 0].map(b.step).reverse();
  assert.deepEqual(forwards, backwards);
});

test("what is due by steps or by epochs", () => {
  const course = planCourse(Array(10).fill("a"), options);
  const due = (steps: number | null, epochs: number | null) =>
    Array.from({ length: 9 }, (_, i) => i).filter((i) => isDue(course, i, steps, epochs));
  assert.deepEqual(due(3, null), [3, 6]);
  assert.deepEqual(due(null, 2), [4, 8]);
});

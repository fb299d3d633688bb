import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { toPrune } from "./prune.ts";

const kept = (steps: readonly number[], awaiting: readonly number[] = []) =>
  steps.map((step) => ({ path: `${step}`, step, awaitsValidation: awaiting.includes(step) }));
const pruned = (...of: Parameters<typeof toPrune>) => toPrune(...of).map(({ step }) => step);

test("the oldest go, the best and those that await validation stay", () => {
  assert.deepEqual(pruned(kept([30, 10, 20, 40]), 2, null), [10, 20]);
  assert.deepEqual(pruned(kept([10, 20, 30, 40]), 2, 10), [20]);
  assert.deepEqual(pruned(kept([10, 20, 30, 40], [10, 20]), 2, null), []);
  assert.deepEqual(pruned(kept([10, 20, 30, 40]), null, null), []);
});

test("what is kept in the end does not depend on when validations finish", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 12 }),
    fc.integer({ min: 1, max: 5 }),
    fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
    fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
    (count, maximum, improves, slow) => {
      const end = (delays: readonly boolean[]) => {
        let present: number[] = [];
        let best: number | null = null;
        for (let step = 1; step <= count; step++) {
          present.push(step);
          if (improves[step - 1]) best = step;
          const awaiting = present.filter((each) => delays[each - 1]);
          const gone = pruned(kept(present, awaiting), maximum, best);
          present = present.filter((each) => !gone.includes(each));
        }
        const gone = pruned(kept(present), maximum, best);
        return present.filter((each) => !gone.includes(each));
      };
      assert.deepEqual(end(slow), end(Array(12).fill(false)));
    },
  ));
});

// A rate is too small when all steps together cannot move a value by a tenth of what values differ by.
import assert from "node:assert/strict";
import { test } from "node:test";
import { slowRate } from "./slow-rate.ts";
import type { Training } from "./train.ts";
import type { TrainingState } from "./training-state.ts";

/** 10 steps at `rate`; rows whose values have the sample standard deviation `spread` and 5. */
function warning(rate: number, spread: number, optimizer_type = "AdamW"): string | null {
  const rows = [spread, 5].map((deviation) => Float64Array.of(-deviation, 0, deviation) // of which the deviation is known
  );
  return slowRate(
    {
      options: { optimizer: { optimizer_type } },
      rate: () => rate,
      course: { totalSteps: 10 },
    } as unknown as Training,
    { optimizer: { rows } } as unknown as TrainingState,
  );
}

test("told below a tenth of the smaller spread, and not from there on", () => {
  assert.match(warning(0.0099, 1)!, /too small .* 10 steps .* at most 9\.9e-2/);
  assert.equal(warning(0.0101, 1), null);
  assert.match(warning(0.0101, 2)!, /values differ by 2\.0e\+0/);
});

test("of Prodigy nothing is said: it finds its rate itself", () => {
  assert.equal(warning(1e-9, 1, "Prodigy"), null);
});

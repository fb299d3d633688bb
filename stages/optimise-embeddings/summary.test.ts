// What is said of a finished training, and that nothing is said of what was not measured.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Effect } from "effect";
import { summarise } from "./summary.ts";
import type { TrainingState } from "./training-state.ts";

const nothing: TrainingState = {
  step: 7,
  optimizer: { rows: [] } as unknown as TrainingState["optimizer"],
  initial: [new Float64Array(), new Float64Array()],
  fixedLosses: new Float64Array(),
  best: null,
  before: null,
  early: false,
  events: [],
};
const bestAt = (step: number, loss: number) => ({ step, loss, epoch: 0, rows: nothing.initial });
const said = (
  state: Partial<TrainingState>,
  after: number | null = null,
  pictures: "held-out" | "training" = "held-out",
) => Effect.runPromise(summarise({ ...nothing, ...state }, () => Effect.succeed(after), pictures));

test("nothing was measured: how long it trained", async () => {
  assert.equal(await said({}), "Trained 7 steps.");
  assert.equal(
    await said({ fixedLosses: Float64Array.of(0.5), best: bestAt(0, 0.5) }),
    "Trained 7 steps.",
  );
});

test("the held-out loss before and after, the fixed loss at its ends and at best", async () => {
  const text = await said({
    before: 0.25,
    fixedLosses: Float64Array.of(0.5, 0.375, 0.4375),
    best: bestAt(5, 0.375),
  }, 0.125);
  assert.equal(
    text,
    "Loss on held-out pictures: 0.25000 before, 0.12500 after. " +
      "Fixed-input loss: 0.50000 before, 0.43750 after, 0.37500 at best (step 5).",
  );
});

test("which pictures it was measured on, and that no step was better than the beginning", async () => {
  assert.match(await said({ before: 0.25 }, 0.5, "training"), /^Loss on training pictures: 0\.25/);
  const worse = { fixedLosses: Float64Array.of(0.5, 0.75), best: bestAt(0, 0.5) };
  assert.match(await said(worse), /at best \(step 0\)\. No step was better than the beginning/);
});

test("whether it has settled is said once there are more values than the last 200", async () => {
  const falling = Float64Array.from({ length: 260 }, (_, i) => i < 60 ? 1 - i / 60 : 0);
  const best = bestAt(260, 0);
  assert.match(await said({ fixedLosses: falling, best }), /: 0\.000; it has settled\.$/);
  const steady = Float64Array.from({ length: 260 }, (_, i) => i % 2);
  assert.match(await said({ fixedLosses: steady, best }), /: 1\.000; it has not settled yet\.$/);
  assert.doesNotMatch(await said({ fixedLosses: steady.subarray(0, 200), best }), /settled/);
});

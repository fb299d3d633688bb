// What is said of a finished training, and that nothing is said of what was not measured.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Effect } from "effect";
import { summarise } from "./summary.ts";
import type { TrainingState } from "./training-state.ts";

const nothing: TrainingState = {
  step: 7,
  optimizer: { rows: [] } as unknown as TrainingState["optimizer"],
  average: null,
  initial: [new Float64Array(), new Float64Array()],
  fixedLosses: new Float64Array(),
  fixedSteps: new Float64Array(),
  best: null,
  before: null,
  early: false,
  events: [],
};
const bestAt = (step: number, loss: number) => ({
  step,
  loss,
  epoch: 0,
  rows: nothing.initial,
  losses: new Float64Array(),
});
const said = (
  state: Partial<TrainingState>,
  after: readonly number[] | null = null,
  heldOut = true,
) => {
  const training = { heldOut, poolings: ["argmax", "end_token"] } as const;
  const measured = () => Effect.succeed(after);
  return Effect.runPromise(summarise({ ...nothing, ...state }, measured, training));
};
const each = (values: Float64Array, every = 1) => ({
  fixedLosses: values,
  fixedSteps: values.map((_, i) => i * every),
});

test("nothing was measured: how long it trained", async () => {
  assert.equal(await said({}), "Trained 7 steps.");
  assert.equal(
    await said({ fixedLosses: Float64Array.of(0.5), best: bestAt(0, 0.5) }),
    "Trained 7 steps.",
  );
});

test("the held-out loss before and after, the fixed loss at its ends and at best", async () => {
  const text = await said({
    before: [0.25],
    fixedLosses: Float64Array.of(0.5, 0.375, 0.4375),
    best: bestAt(5, 0.375),
  }, [0.125]);
  assert.equal(
    text,
    "Loss on held-out pictures: 0.25000 before, 0.12500 after. " +
      "Fixed-input loss: 0.50000 before, 0.43750 after, 0.37500 at best (step 5).",
  );
});

test("trained for both kinds of clients: two numbers, each with its clients", async () => {
  assert.equal(
    await said({ before: [0.5, 0.375] }, [0.25, 0.125]),
    "Loss on held-out pictures: 0.50000 before, 0.25000 after as InvokeAI, diffusers pool; " +
      "0.37500 before, 0.12500 after as ComfyUI, A1111, Forge pool.",
  );
});

test("which pictures it was measured on, and that no step was better than the beginning", async () => {
  assert.match(await said({ before: [0.25] }, [0.5], false), /^Loss on training pictures: 0\.25/);
  const worse = { fixedLosses: Float64Array.of(0.5, 0.75), best: bestAt(0, 0.5) };
  assert.match(await said(worse), /at best \(step 0\)\. No step was better than the beginning/);
});

test("whether it has settled is said once there is more than the last 200 steps", async () => {
  const falling = Float64Array.from({ length: 260 }, (_, i) => i < 60 ? 1 - i / 60 : 0);
  const best = bestAt(260, 0);
  assert.match(await said({ ...each(falling), best }), /: 0\.000; it has settled\.$/);
  const steady = Float64Array.from({ length: 260 }, (_, i) => i % 2);
  assert.match(await said({ ...each(steady), best }), /: 1\.000; it has not settled yet\.$/);
  assert.doesNotMatch(await said({ ...each(steady.subarray(0, 200)), best }), /settled/);
});

test("how sure the choice is: the last above the best, with its error; without held-out pictures none", async () => {
  const measured = { fixedLosses: Float64Array.of(0.5, 0.25, 0.375), best: bestAt(5, 0.25) };
  const last = (difference: number, error: number): TrainingState["events"] => [{
    event: "fixed-loss",
    at: 0,
    step: 7,
    loss: 0.375,
    bestStep: 5,
    bestLoss: 0.25,
    varianceRatio: null,
    aboveBest: { difference, error },
  }];
  const sure = await said({ ...measured, events: last(0.125, 0.01) });
  assert.match(sure, /The last is 0\.12500 \+-0\.01000 above the best: more than chance would/);
  assert.match(await said({ ...measured, events: last(0.125, 0.1) }), /no more than chance/);
  const training = await said({ ...measured, events: last(0.125, 0.01) }, null, false);
  assert.match(training, /The best file holds the last rows: .*fixed_loss_holdout/);
  assert.doesNotMatch(training, /above the best/);
});

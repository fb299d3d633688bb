import assert from "node:assert/strict";
import { test } from "node:test";
import { Effect } from "effect";
import type { TrainingState } from "./training-state.ts";
import { verdict } from "./verdict.ts";

const said = (over: Partial<TrainingState>, after: number | null = null) =>
  Effect.runPromise(
    verdict(
      {
        step: 9,
        optimizer: { rows: [] },
        best: null,
        before: null,
        fixedLosses: new Float64Array(),
        ...over,
      } as unknown as TrainingState,
      () => Effect.succeed(after),
      "training",
    ),
  );

const best = (step: number, loss: number) => ({ best: { step, loss } } as Partial<TrainingState>);

test("what a training has come to, on which pictures it was measured, and whether it was better", async () => {
  assert.equal(await said({}), "Trained 9 steps.");
  assert.equal(
    await said({ before: 0.5 }, 0.25),
    "Loss on training pictures: 0.50000 before, 0.25000 after.",
  );
  const losses = Float64Array.of(0.5, 0.25);
  assert.equal(
    await said({ fixedLosses: losses, ...best(5, 0.25) }),
    "Fixed-input loss: 0.50000 before, 0.25000 after, 0.25000 at best (step 5).",
  );
  assert.match(
    await said({ fixedLosses: losses.toReversed(), ...best(0, 0.25) }),
    /at best \(step 0\)\. No step was better than the beginning/,
  );
});

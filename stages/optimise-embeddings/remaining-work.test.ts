// What a training still owes to its run, as its state on disk and its options have it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Effect } from "effect";
import { startOptimizer } from "../../engine/optimise/optimizer.ts";
import type { RunEvent } from "../../inversion/events.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import type { OptimiseOptions } from "./options.ts";
import { remainingWork } from "./remaining-work.ts";
import { save } from "./training-state.ts";
import { testOrigin } from "../../runtime/testing/origin.ts";

const optimizer = {
  optimizer_type: "AdamW",
  learning_rate: 1e-3,
  learning_rate_unit: "absolute",
  beta1: 0.9,
  beta2: 0.999,
  weight_decay: 0,
  epsilon: 1e-8,
  use_8bit: false,
} as const;

const owedBy = (runDir: string, options: Partial<OptimiseOptions>) =>
  Effect.runPromise(
    remainingWork(
      {
        optimizer,
        early_stop: false,
        ema_decay: null,
        max_train_steps: null,
        max_train_epochs: null,
        ...options,
      },
      { runDir },
    ),
  );

/** A run at step 3, the first of its second epoch. */
async function atStep3(runDir: string, early: boolean): Promise<void> {
  const rows = [new Float64Array(2), new Float64Array(3)] as const;
  const step: RunEvent = {
    event: "step",
    at: 0,
    step: 3,
    epoch: 1,
    loss: 1,
    lr: 1,
    gradientNorm: 1,
    gradientShare: [1, 0],
    seconds: 1,
    rssBytes: 1,
  };
  await Effect.runPromise(save({ runDir, run: { origin: testOrigin } }, {
    step: 3,
    optimizer: startOptimizer(optimizer, rows),
    average: null,
    initial: rows,
    fixedLosses: new Float64Array(1),
    fixedSteps: new Float64Array(1),
    best: null,
    before: null,
    early,
    events: [step],
  }));
}

test("a training that ended early goes on once early_stop is off", () =>
  withTemporaryFolder(async (runDir) => {
    await atStep3(runDir, true);
    assert.equal(await owedBy(runDir, { early_stop: true, max_train_steps: 9 }), null);
    assert.equal(await owedBy(runDir, { early_stop: false, max_train_steps: 3 }), null);
    const left = await owedBy(runDir, { early_stop: false, max_train_steps: 9 });
    assert.deepEqual(left, { why: "trained to step 3 of 9", step: 3 });
  }));

test("a length in epochs is done when the epochs are", () =>
  withTemporaryFolder(async (runDir) => {
    await atStep3(runDir, false);
    assert.equal(await owedBy(runDir, { max_train_epochs: 1 }), null);
    const left = await owedBy(runDir, { max_train_epochs: 2 });
    assert.deepEqual(left, { why: "trained to epoch 1 of 2", step: 3 });
  }));

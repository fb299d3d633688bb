// What a training still owes to its run, as its state on disk and its options have it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Effect } from "effect";
import { startOptimizer } from "../../engine/optimise/optimizer.ts";
import type { RunInfo } from "../../runtime/stage.ts";
import { withTemporaryFolder } from "../../runtime/testing/temporary-folder.ts";
import type { OptimiseOptions } from "./options.ts";
import { optimiseEmbeddings } from "./stage.ts";
import { save } from "./training-state.ts";

const optimizer = {
  optimizer_type: "AdamW",
  learning_rate: 1e-3,
  beta1: 0.9,
  beta2: 0.999,
  weight_decay: 0,
  epsilon: 1e-8,
  use_8bit: false,
} as const;

/** What is owed by a run that ended early at step 3. */
const owedBy = (runDir: string, options: Partial<OptimiseOptions>) =>
  Effect.runPromise(
    optimiseEmbeddings.owed!({ optimizer, max_train_epochs: null, ...options } as OptimiseOptions, {
      runDir,
      seed: 1,
      info: {} as RunInfo,
    }),
  );

test("a training that ended early goes on once early_stop is off", () =>
  withTemporaryFolder(async (runDir) => {
    const rows = [new Float64Array(2), new Float64Array(3)] as const;
    await Effect.runPromise(save(runDir, {
      step: 3,
      optimizer: startOptimizer(optimizer, rows),
      initial: rows,
      fixedLosses: new Float64Array(1),
      best: null,
      before: null,
      early: true,
      events: [],
    }));
    assert.equal(await owedBy(runDir, { early_stop: true, max_train_steps: 9 }), null);
    assert.equal(await owedBy(runDir, { early_stop: false, max_train_steps: 3 }), null);
    const owed = await owedBy(runDir, { early_stop: false, max_train_steps: 9 });
    assert.deepEqual(owed, { why: "trained to step 3 of 9", step: 3 });
  }));

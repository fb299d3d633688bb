import assert from "node:assert/strict";
import { test } from "node:test";
import { least, own, read } from "../config/testing/read.ts";
import { epochSteps, warmUpNotes } from "./epoch-steps.ts";

const notes = async (count: number, ...set: string[]) => {
  const { config } = await read({
    ...own(least),
    set: ["max_train_epochs=2", "train_batch_size=1", ...set],
  });
  return warmUpNotes(config, epochSteps(config, count));
};

test("a warm-up as long as a training given in epochs is said before anything is encoded", async () => {
  const linear = ["lr_scheduler=linear", "lr_warmup_steps=6"];
  assert.match(
    (await notes(3, ...linear)).join(),
    /^lr_warmup_steps 6: .* \(2 epochs, about 6 steps\)/,
  );
  assert.deepEqual(await notes(4, ...linear), []);
  assert.equal((await notes(4, ...linear, "gradient_accumulation_steps=2")).length, 1);
  assert.deepEqual(await notes(3, "lr_warmup_steps=6"), [], "a constant rate has none");
  const polynomial = await notes(3, "lr_scheduler=polynomial", "lr_warmup_steps=6");
  assert.match(polynomial.join(), /fewer warm-up steps than training steps/);
});

test("a length in steps, and pictures that nobody has counted", async () => {
  const { config } = await read(own(least));
  assert.equal(epochSteps(config, 3), null);
  const { config: epochs } = await read({ ...own(least), set: ["max_train_epochs=2"] });
  assert.equal(epochSteps(epochs, undefined), null);
});

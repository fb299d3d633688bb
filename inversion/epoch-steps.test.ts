import assert from "node:assert/strict";
import { test } from "node:test";
import { least, own, read } from "../config/testing/read.ts";
import { epochSteps, faultOfEpochs, warmUpNotes } from "./epoch-steps.ts";

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

test("rates without a course are a fault where the pictures' number is certain, else a note", async () => {
  const fault = async (pictures: number, ...set: string[]) => {
    const polynomial = ["lr_scheduler=polynomial", "lr_warmup_steps=6", "max_train_epochs=2"];
    const options = ["train_batch_size=1", "fixed_loss_holdout=0", ...polynomial, ...set];
    const { config } = await read({ ...own(least), set: options });
    return faultOfEpochs(config, [{ sources: Array(pictures).fill("x") }]);
  };
  assert.match((await fault(3))!.message, /^lr_warmup_steps: wanted fewer warm-up steps .*6 steps/);
  assert.equal((await fault(3))!.kind, "user");
  assert.equal(await fault(4), null);
  assert.equal(await fault(3, "lr_scheduler=linear"), null);
  assert.equal(await fault(3, "data_loader.skip_bad_images=true"), null, "there may be fewer");
});

test("a length in steps, and pictures that nobody has counted", async () => {
  const { config } = await read(own(least));
  assert.equal(epochSteps(config, 3), null);
  const { config: epochs } = await read({ ...own(least), set: ["max_train_epochs=2"] });
  assert.equal(epochSteps(epochs, undefined), null);
});

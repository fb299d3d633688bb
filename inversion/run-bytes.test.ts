// The estimate of what a training writes against what the tiny training of the tests wrote, and that it grows
// with what is asked for.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Effect } from "effect";
import { bytesBelow } from "../lib/look.ts";
import { withTemporaryFolder } from "../runtime/testing/temporary-folder.ts";
import { gnomic, smallTraining, trainingIn } from "../tests/end-to-end/project.ts";
import { trainingApp } from "./app.ts";
import { runBytes } from "./run-bytes.ts";

const pictures = [{ sources: Array(4).fill(["a", "b"]), digests: [] }];

const estimate = async (over: object = {}, ingested: unknown = pictures) => {
  const { values, steps } = await Effect.runPromise(
    trainingApp().readConfiguration({
      layers: {
        set: Object.entries({ ...smallTraining, ...over }).map(([key, value]) =>
          `${key}=${JSON.stringify(value)}`
        ),
      },
      pipeline: "",
      steps: [],
    }),
  );
  return runBytes(values, steps, ingested);
};

test("more of anything that is written is more", async () => {
  const plain = await estimate();
  for (
    const over of [
      { max_train_steps: 700 },
      { num_vectors: 8 },
      { validate_every_n_steps: 1 },
      { validation_prompts: Array(9).fill("bruce_the_gnome") },
      { data_loader: { ...smallTraining.data_loader, resolution: 128 } },
    ]
  ) assert.ok(await estimate(over) > plain, JSON.stringify(over));
  assert.ok(await estimate({}, null) < plain, "pictures that nobody has listed yet");
  const each = { max_train_steps: 90, save_every_n_steps: null, save_every_n_epochs: 1 };
  const seldom = { ...each, save_every_n_epochs: 9 };
  assert.ok(await estimate(each) > await estimate(seldom), "epochs of a length in steps");
  const kept = { save_every_n_steps: 1, max_train_steps: 900 };
  assert.ok(await estimate({ ...kept, max_checkpoints: 2 }) < await estimate(kept));
});

test("it is more than a training writes, and not ten times as much", () =>
  withTemporaryFolder(async (folder) => {
    const more = { max_train_steps: 40, save_every_n_steps: 5, validate_every_n_steps: 20 };
    const { code, stderr } = await gnomic(trainingIn(folder, more));
    assert.equal(code, 0, stderr);
    const wrote = await Effect.runPromise(bytesBelow(join(folder, "output")));
    const guess = await estimate(more);
    assert.ok(guess > wrote && guess < 10 * wrote, `${guess} for ${wrote}`);
  }));
